"""Columns of values as the cells of CSV that ``csv_row`` makes of each row, found for many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from holdall.model.csv_output import csv_row, starts_formula, without_formula
from holdall.model.json_output import encode_hook
from holdall.query import Value

__all__ = ["cells_of"]

_FLAGS = {True: "true", False: "false", None: None}
_WRITTEN_PLAINLY = frozenset({datetime, date, time, timedelta, Decimal, UUID})
"""Types whose JSON is a string of neither quotation marks nor commas."""

_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode
_decode = msgspec.json.Decoder(list[Value]).decode


def cells_of(values: Sequence[Value], *, keeps_formulas: bool = False, is_json: bool = False) -> Sequence[Value]:
    """The cells of a column, as ``csv.writer`` takes them, of values that msgspec encodes.

    In a column ``is_json``, texts that could be read as other JSON are told as JSON, too.

    >>> cells_of([1.0, None]), cells_of(["=1", "a"]), cells_of([["a"], 1])
    (['1.0', None], ["'=1", 'a'], ['["a"]', '1'])
    """
    kinds = set(map(type, values))
    kinds.discard(type(None))
    kind = kinds.pop() if len(kinds) == 1 and not is_json else None
    if kind is str:
        return _texts(values, keeps_formulas)
    if kind is int:
        return values
    if kind is bool:
        return [_FLAGS[value] for value in values]
    if kind is float:
        return _parts(values)
    if kind in _WRITTEN_PLAINLY:
        return _texts(_parts(values), keeps_formulas)
    told = _decode(_encode(values))
    if set(map(type, told)) == {str} and not is_json:
        return _texts(told, keeps_formulas)
    places = [0] if is_json else ()
    return [csv_row([value], keeps_formulas=keeps_formulas, of_json=places)[0] for value in told]


def _parts(values: Sequence[Value]) -> list[str | None]:
    """The JSON of each value, without quotation marks; None for null."""
    found = _encode(values)[1:-1].decode().replace('"', "").split(",")
    return [None if part == "null" else part for part in found]


def _texts(values: Sequence[Value], keeps_formulas: bool) -> Sequence[str | None]:
    """Texts without formulas, each looked at only where there is one."""
    if keeps_formulas or not starts_formula(values):
        return values
    return [text if text is None else without_formula(text) for text in values]
