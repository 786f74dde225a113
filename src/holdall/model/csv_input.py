"""Rows of CSV (RFC 4180) as the members of records: cells become the JSON that ``csv_row`` has made cells of."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from io import StringIO
from itertools import repeat

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.model.csv_output import with_formula
from holdall.query import FieldSchema, Json, Kind, Schema, Value

__all__ = ["CsvInput"]

_AS_TEXT = frozenset(
    {Kind.STR, Kind.BYTES, Kind.DECIMAL, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.TIMEDELTA, Kind.UUID}
)
_MAY_BE_EMPTY = frozenset({Kind.STR, Kind.BYTES})
_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})
_FLAGS = {"true": True, "false": False}
_WRITTEN_FLAGS = {**_FLAGS, "True": True, "False": False, "TRUE": True, "FALSE": False}
_PLAIN = re.compile(r"[0-9A-Za-z.+,-]*")
_NOTHING: Value = object()
"""Stands for a cell that gives no value."""


class CsvInput:
    """Reads the rows below a ``first`` one. Raises ValidationError for a header with names that are not ``accepted``.

    Columns that are to be ``skipped`` are left out of ``names``. ``keeps_formulas``: an apostrophe before a formula is
    part of the text.

    >>> schema = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), ("id",))
    >>> CsvInput(schema, ["id", "title"], b"id,title", (), keeps_formulas=False).members(b"1,'=1+1")
    {'id': 1, 'title': '=1+1'}
    """

    def __init__(
        self,
        schema: Schema,
        accepted: Collection[str],
        first: bytes,
        skipped: Collection[str],
        *,
        keeps_formulas: bool,
    ) -> None:
        self._keeps_formulas = keeps_formulas
        header = _cells(first) if first.strip() else []
        if header is None:
            raise ValidationError(
                schema.name, [FieldError("", "csv", "has a header that is not a row of CSV in UTF-8")]
            )
        errors = [
            FieldError(name, "unknown", "is not a field that can be given; name it in skip=, or leave the column out")
            for name in header
            if name not in accepted and name not in skipped
        ]
        errors += [
            FieldError(name, "repeated", "must be a column once")
            for place, name in enumerate(header)
            if name in header[:place]
        ]
        if len(header) == 1 and errors and any(each in header[0] for each in ";\t|"):
            errors = [FieldError("", "csv", "has a header of one column: values are separated by commas")]
        if errors:
            raise ValidationError(schema.name, errors)
        self._fields = [None if name in skipped else schema.field(name) for name in header]
        self.names = tuple([name for name in header if name not in skipped])

    def members(self, line: bytes) -> dict[str, Json] | FieldError:
        """The members that a row gives, or what is wrong with it."""
        cells = _cells(line)
        if cells is None:
            return FieldError("", "csv", "is not a row of CSV in UTF-8")
        if len(cells) != len(self._fields):
            return self._is_of_other_width()
        found: dict[str, Json] = {}
        for field, cell in zip(self._fields, cells, strict=True):
            if field is None:
                continue
            if cell == "":
                if field.nullable:
                    found[field.name] = None
                elif field.kind in _MAY_BE_EMPTY:
                    found[field.name] = ""
                continue  # others have their default
            found[field.name] = self._value(field, cell)
        return found

    def members_of_all(self, lines: Sequence[bytes]) -> list[dict[str, Json] | FieldError]:
        """For each of many rows what ``members`` gives."""
        rows = self.rows_of_all(lines)
        return [dict(zip(self.names, row, strict=True)) if isinstance(row, tuple) else row for row in rows]

    def rows_of_all(self, lines: Sequence[bytes]) -> list[tuple[Json, ...] | dict[str, Json] | FieldError]:
        """The same, a column of many rows at a time; a row that gives all ``names`` as a tuple of their values."""
        rows, width = _rows(lines), len(self._fields)
        if rows is None:
            return [self.members(line) for line in lines]
        whole = [row for row in rows if len(row) == width]
        found = iter(self._values_of_cells(whole) if whole else ())
        return [next(found) if len(row) == width else self._is_of_other_width() for row in rows]

    def _values_of_cells(self, rows: Sequence[Sequence[str]]) -> list[tuple[Json, ...] | dict[str, Json]]:
        """The values that rows of as many cells as there are columns give."""
        columns, is_whole = list[Sequence[Value]](), bool(self.names)
        for field, cells in zip(self._fields, zip(*rows, strict=True), strict=True):
            if field is not None:
                columns.append(self._column(field, cells))
                is_whole = is_whole and ("" not in cells or field.nullable or field.kind in _MAY_BE_EMPTY)
        found = zip(*columns, strict=True) if columns else repeat((), len(rows))
        if is_whole:
            return list(found)
        pairs = [(row, zip(self.names, row, strict=True)) for row in found]
        return [
            {name: value for name, value in each if value is not _NOTHING} if _NOTHING in row or not row else row
            for row, each in pairs
        ]

    def _is_of_other_width(self) -> FieldError:
        return FieldError("", "csv", f"must have {len(self._fields)} columns")

    def _column(self, field: FieldSchema, cells: tuple[str, ...]) -> Sequence[Value]:
        """The values of the cells of one column; ``_NOTHING`` where the default is meant."""
        kind = _kept_kind(field).kind
        if kind in _AS_TEXT:
            texts: Sequence[Value] = cells
            if not self._keeps_formulas and "\0'" in "\0" + "\0".join(cells):
                texts = list(map(with_formula, cells))
            if (field.kind in _MAY_BE_EMPTY and not field.nullable) or "" not in cells:
                return texts
            empty = None if field.nullable else _NOTHING
            return [text if text else empty for text in texts]
        found: Sequence[Value] | None = None
        if field.nullable or "" not in cells:
            found = _flags(cells) if kind is Kind.BOOL else _numbers(cells) if kind in _NUMBERS else None
        if found is None:
            empty = None if field.nullable else _NOTHING
            found = [self._value(field, cell) if cell else empty for cell in cells]
        return found

    def _value(self, field: FieldSchema, cell: str) -> Json:
        kind = _kept_kind(field).kind
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


def _kept_kind(field: FieldSchema) -> FieldSchema:
    """The field itself, or that of the key that it refers by."""
    while field.kind is Kind.REF and len(field.target_key) == 1:
        (field,) = field.target_key
    return field


def _flags(cells: Sequence[str]) -> list[Json] | None:
    """Truth values and nulls; None where a cell is neither, or written otherwise."""
    found: list[Json] = list(map(_WRITTEN_FLAGS.get, cells))
    return found if found.count(None) == cells.count("") else None


def _numbers(cells: Sequence[str]) -> list[Json] | None:
    """Numbers and nulls, decoded together; None where a cell is neither, or could be taken for several."""
    text = ",".join([cell or "null" for cell in cells])
    if text.count(",") != len(cells) - 1 or _PLAIN.fullmatch(text) is None:
        return None
    try:
        found: list[Json] = msgspec.json.decode(f"[{text}]")
    except msgspec.DecodeError:
        return None
    return found


def _cells(line: bytes) -> list[str] | None:
    """The cells of one row; None where it is none."""
    import csv  # takes its time, and only programs that read files need it

    _let_lines_be_long([line])
    try:
        rows: list[list[str]] = list(csv.reader(StringIO(line.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def _rows(lines: Sequence[bytes]) -> list[list[str]] | None:
    """The cells of many rows; None where not each of the lines is a row by itself."""
    import csv

    _let_lines_be_long(lines)
    try:
        rows: list[list[str]] = list(csv.reader([line.decode() for line in lines], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows if len(rows) == len(lines) else None


def _let_lines_be_long(lines: Sequence[bytes]) -> None:
    """Have fields of any length read, for the whole process; how long a line may be is known already."""
    import csv

    longest = max(map(len, lines), default=0)
    if longest > csv.field_size_limit():
        csv.field_size_limit(longest)
