"""Values as CSV (RFC 4180): cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import StringIO

import msgspec

from holdall.query import Kind, Schema, Value

__all__ = ["csv_lines", "csv_objects", "csv_row", "json_names", "starts_formula", "with_formula", "without_formula"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_STARTS = re.compile("\0'*[=+\\-@\t\r\n]")
_encode = msgspec.json.Encoder().encode


def without_formula(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula, or it seems to have one.

    >>> without_formula("=1+1"), without_formula("a=1")
    ("'=1+1", 'a=1')
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def starts_formula(texts: Iterable[str | None]) -> bool:
    """Whether ``without_formula`` may change one of the texts; False only if it changes none.

    >>> starts_formula(["a", None]), starts_formula(["a", "=1"])
    (False, True)
    """
    return _STARTS.search("\0" + "\0".join(filter(None, texts))) is not None


def with_formula(text: str) -> str:
    """The text of which ``without_formula`` made this one.

    >>> [with_formula(without_formula(text)) for text in ("=1", "'=1", "'a")]
    ['=1', "'=1", "'a"]
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def csv_row(
    values: Sequence[Value], *, keeps_formulas: bool = False, of_json: Collection[int] = frozenset()
) -> list[str]:
    """The cells of a row: nothing for null, text as it is, everything else as its JSON.

    In columns whose places are ``of_json``, texts that could be read as other JSON are told as JSON, too.

    >>> csv_row([None, "=1", 2.5, ["a"]]), csv_row(["1", "1", "a"], of_json=[1, 2])
    (['', "'=1", '2.5', '["a"]'], ['1', '"1"', 'a'])
    """
    if of_json:
        values = [_told(value) if place in of_json else value for place, value in enumerate(values)]
    return [_cell(value, keeps_formulas) for value in values]


def _told(value: Value) -> Value:
    """A text as the JSON that it is, where an import would take it for something else."""
    if not isinstance(value, str):
        return value
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return value if value else '""'
    return _encode(value).decode()


def _cell(value: Value, keeps_formulas: bool) -> str:
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return value if keeps_formulas else without_formula(value)
    return _encode(value).decode()


def json_names(schema: Schema) -> frozenset[str]:
    """The names of the fields whose values may be any JSON, so that a text among them is told from other values.

    >>> from holdall.query import FieldSchema
    >>> json_names(Schema("note", (FieldSchema("id", Kind.INT), FieldSchema("facts", Kind.JSON)), key=("id",)))
    frozenset({'facts'})
    """
    return frozenset([each.name for each in schema.fields if each.kind is Kind.JSON])


def csv_objects(
    objects: Iterable[Mapping[str, Value]],
    names: Sequence[str],
    *,
    keeps_formulas: bool = False,
    of_json: Collection[str] = frozenset(),
) -> bytes:
    """Objects as CSV, in UTF-8: their values under these names, as ``csv_row`` writes them.

    >>> csv_objects([{"a": 1, "b": "=1", "c": None}], ["b", "c", "a"])
    b"'=1,,1\\r\\n"
    """
    places = [place for place, name in enumerate(names) if name in of_json]
    rows = [[each[name] for name in names] for each in objects]
    return csv_lines([csv_row(row, keeps_formulas=keeps_formulas, of_json=places) for row in rows])


def csv_lines(rows: Iterable[Sequence[Value]]) -> bytes:
    """Rows of cells as CSV, in UTF-8.

    >>> csv_lines([["a", "b,c"]])
    b'a,"b,c"\\r\\n'
    """
    import csv  # takes its time, and only programs that write files need it

    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
