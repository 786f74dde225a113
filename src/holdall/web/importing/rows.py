"""Rows of CSV that a client sends."""

from __future__ import annotations

from collections.abc import Collection

from holdall.errors import ValidationError
from holdall.model import CsvInput
from holdall.session import Binding
from holdall.web.importing.lines import CLOSE
from holdall.web.problem import Problem

__all__ = ["rows_below"]


def rows_below(
    header: bytes, binding: Binding, accepted: Collection[str], skipped: Collection[str], *, keeps_formulas: bool
) -> CsvInput:
    """The reader of the rows below a header. Raises Problem (422) for names of columns that are not ``accepted``."""
    try:
        return CsvInput(binding.schema, accepted, header, skipped, keeps_formulas=keeps_formulas)
    except ValidationError as error:
        detail = "The first line names columns that cannot be taken."
        raise Problem(422, "invalid", detail, error.errors, CLOSE) from None
