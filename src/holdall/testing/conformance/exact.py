"""Rows compared exactly: values of the right Python types, sets without order, JSON with its own equality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from holdall.query import FieldSchema, Kind, ManyForm, Value, is_of_kind

__all__ = ["exact_row", "same_rows"]


def exact_row(fields: Sequence[FieldSchema], row: object) -> tuple[Hashable, ...]:
    """The row as a hashable value, equal for equal rows. Raises AssertionError for a value that is no border value."""
    assert type(row) is tuple, f"a row is a tuple, not {type(row).__name__}"
    assert len(row) == len(fields), f"a row of {len(row)} values for {len(fields)} fields"
    return tuple(map(_exact, fields, row))


def same_rows(
    fields: Sequence[FieldSchema], found: Iterable[Any], expected: Iterable[Any], ordered: bool, asked: object
) -> None:
    """Raise AssertionError, telling the difference, unless both hold the same rows, in the same order if ordered."""
    found, expected = list(found), list(expected)
    if _is_plainly_same(found, expected):
        return
    found_rows = [exact_row(fields, row) for row in found]
    expected_rows = [exact_row(fields, row) for row in expected]
    if found_rows == expected_rows:
        return
    missing = list((Counter(expected_rows) - Counter(found_rows)).elements())
    surplus = list((Counter(found_rows) - Counter(expected_rows)).elements())
    if missing or surplus:
        raise AssertionError(f"{asked}\n  missing: {missing[:5]!r}\n  surplus: {surplus[:5]!r}")
    if ordered:
        place = next(i for i, pair in enumerate(zip(found_rows, expected_rows, strict=True)) if pair[0] != pair[1])
        raise AssertionError(
            f"{asked}\n  wrong order from row {place}\n  found: {found_rows[place : place + 3]!r}"
            f"\n  expected: {expected_rows[place : place + 3]!r}"
        )


def _is_plainly_same(found: list[Any], expected: list[Any]) -> bool:
    """Whether both are written alike and have values of the same types; most answers are, and this is quickly seen."""
    return repr(found) == repr(expected) and _types(found) == _types(expected)


def _types(rows: list[Any]) -> list[Any]:
    return [(type(row), [*map(type, row)]) for row in rows]


def _exact(field: FieldSchema, value: object) -> Value:
    if value is None:
        return None
    wanted: Any = {Kind.FLOAT: float, Kind.DECIMAL: Decimal}.get(field.kind, object)
    assert is_of_kind(field, value) and isinstance(value, wanted), f"{field.name} is {field.kind}, found {value!r}"
    if field.kind is Kind.JSON:
        return _frozen(value)
    if field.form is ManyForm.SET:
        return tuple(sorted(value))
    return value


def _frozen(value: object) -> Hashable:
    if isinstance(value, dict):
        return ("object", frozenset((name, _frozen(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(_frozen, value)))
    return ("bool", value) if isinstance(value, bool) else value
