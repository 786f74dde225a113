"""The part of a column that a field takes over, and the reason why there is none."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.adoption.sqlalchemy_types import Options

__all__ = ["ColumnType", "NotCarried"]


class NotCarried(Exception):
    """Something of a class cannot be carried over, for this reason."""


class ColumnType(msgspec.Struct, frozen=True):
    """The annotation of a column's values, null left out, and options of ``field`` for them."""

    annotation: Any
    options: Options = {}
