"""Rows of CSV (RFC 4180) as the members of records: cells become the JSON that ``csv_row`` has made cells of."""

from __future__ import annotations

from collections.abc import Collection
from io import StringIO

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.model.csv_output import with_formula
from holdall.query import FieldSchema, Json, Kind, Schema

__all__ = ["CsvInput"]

_AS_TEXT = frozenset(
    {Kind.STR, Kind.BYTES, Kind.DECIMAL, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.TIMEDELTA, Kind.UUID}
)
_FLAGS = {"true": True, "false": False}


class CsvInput:
    """Reads the rows below one header. Raises ValidationError for a header with names that are not ``accepted``.

    Columns that are to be ``skipped`` are left out. ``keeps_formulas``: an apostrophe before a formula is
    part of the text.

    >>> schema = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), ("id",))
    >>> CsvInput(schema, ["id", "title"], b"id,title", (), keeps_formulas=False).members(b"1,'=1+1")
    {'id': 1, 'title': '=1+1'}
    """

    def __init__(
        self,
        schema: Schema,
        accepted: Collection[str],
        header: bytes,
        skipped: Collection[str],
        *,
        keeps_formulas: bool,
    ) -> None:
        self._keeps_formulas = keeps_formulas
        self._names = _cells(header) or []
        errors = [
            FieldError(name, "unknown", "is not a field that can be given; name it in skip=, or leave the column out")
            for name in self._names
            if name not in accepted and name not in skipped
        ]
        errors += [
            FieldError(name, "repeated", "must be a column once")
            for place, name in enumerate(self._names)
            if name in self._names[:place]
        ]
        if len(self._names) == 1 and errors and any(each in self._names[0] for each in ";\t|"):
            errors = [FieldError("", "csv", "has a header of one column: values are separated by commas")]
        if errors:
            raise ValidationError(schema.name, errors)
        self._fields = [None if name in skipped else schema.field(name) for name in self._names]

    def members(self, line: bytes) -> dict[str, Json] | FieldError:
        """The members that a row gives, or what is wrong with it."""
        cells = _cells(line)
        if cells is None:
            return FieldError("", "csv", "is not a row of CSV in UTF-8")
        if len(cells) != len(self._names):
            return FieldError("", "csv", f"must have {len(self._names)} columns")
        found: dict[str, Json] = {}
        for field, cell in zip(self._fields, cells, strict=True):
            if field is None:
                continue
            if cell == "":
                if field.nullable:
                    found[field.name] = None
                elif field.kind is Kind.STR:
                    found[field.name] = ""
                continue  # others have their default
            found[field.name] = self._value(field, cell)
        return found

    def _value(self, field: FieldSchema, cell: str) -> Json:
        kind = field.kind
        while kind is Kind.REF and len(field.target_key) == 1:
            (field,) = field.target_key
            kind = field.kind
        if kind in _AS_TEXT or kind is Kind.JSON:
            text = cell if self._keeps_formulas else with_formula(cell)
            return text if kind in _AS_TEXT else _decoded(text)
        if kind is Kind.BOOL:
            return _FLAGS.get(cell.lower(), cell)
        return _decoded(cell)


def _decoded(text: str) -> Json:
    """The JSON that a text is, or the text itself."""
    try:
        found: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
    return found


def _cells(line: bytes) -> list[str] | None:
    """The cells of one row; None where it is none."""
    import csv  # takes its time, and only programs that read files need it

    if len(line) > csv.field_size_limit():  # of the whole process; how long a line may be is known already
        csv.field_size_limit(len(line))
    try:
        rows: list[list[str]] = list(csv.reader(StringIO(line.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None
