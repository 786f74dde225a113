"""Rows of a store as lines of JSON or of CSV, without records in between: a column at a time where it is converted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import starmap

import msgspec

from holdall.model.csv_columns import cells_of
from holdall.model.csv_output import csv_lines
from holdall.model.field import Field
from holdall.model.json_output import encode_hook
from holdall.query import Kind, Value

__all__ = ["RowOutput"]

_Convert = Callable[[Value], Value]
_encode_lines = msgspec.json.Encoder(enc_hook=encode_hook).encode_lines


class RowOutput:
    r"""Writes the chosen fields of whole rows, in the order of ``names``, as the JSON of their records has them.

    An error of encoding or decoding says that one of the rows is to be looked at by its record.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> RowOutput(Book.__holdall__.stored, ["title", "id"]).ndjson([(1, "Emma")])
    b'{"title":"Emma","id":1}\n'
    """

    def __init__(self, stored: Sequence[Field], names: Sequence[str]) -> None:
        places = {field.name: place for place, field in enumerate(stored)}
        self._places = [places[name] for name in names]
        self._decodes = [(place, decode) for place, field in enumerate(stored) if (decode := _decode_of(field))]
        self._shows = [(place, show) for place, field in enumerate(stored) if (show := _show_of(field))]
        self._of_json = [stored[place].kind is Kind.JSON for place in self._places]
        self._is_whole = self._places == list(range(len(stored)))
        variables = [(f"v{number}", Value) for number in range(len(names))]
        self._line = msgspec.defstruct("Line", variables, rename=lambda name: names[int(name[1:])], gc=False)

    def ndjson(self, rows: Sequence[Sequence[Value]]) -> bytes:
        """The rows as lines of JSON."""
        if not rows:
            return b""
        chosen: Iterable[Sequence[Value]] = rows
        if not self._is_whole or self._decodes or self._shows:
            chosen = zip(*self._columns(rows), strict=True)
        return _encode_lines(starmap(self._line, chosen))

    def csv(self, rows: Sequence[Sequence[Value]], *, keeps_formulas: bool) -> bytes:
        """The rows as CSV."""
        if not rows:
            return b""
        columns = [
            cells_of(values, keeps_formulas=keeps_formulas, is_json=is_json)
            for values, is_json in zip(self._columns(rows), self._of_json, strict=True)
        ]
        return csv_lines(zip(*columns, strict=True))

    def _columns(self, rows: Sequence[Sequence[Value]]) -> list[Sequence[Value]]:
        """The chosen columns as they are shown; all are decoded, as a record that cannot be read is not written."""
        columns: list[Value] = list(zip(*rows, strict=True))
        for steps in (self._decodes, self._shows):
            for place, convert in steps:
                columns[place] = [None if value is None else convert(value) for value in columns[place]]
        return [columns[place] for place in self._places]


def _decode_of(field: Field) -> _Convert | None:
    return None if field.type is None else field.type.decode


def _show_of(field: Field) -> _Convert | None:
    return field.type.own.show if field.type is not None and field.type.own is not None else None
