"""Whether rows hold values of the classes that their columns should have: in C where that was built, else in Python.

See "Flexible typing" in SQLite's documentation: only a column of a STRICT table keeps values of its type alone.
``HOLDALL_PURE=1`` in the environment leaves the part in C out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from holdall.codegen import compiled, function
from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.codec import DRIVERS
from holdall.stores.sql.columns import leaves
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.keeping import KeptField

__all__ = ["RowCheck", "check_by", "class_check", "class_check_in_python", "codes", "is_untyped", "native"]

RowCheck = Callable[[Iterable[Sequence[object]]], bool]
"""Whether all of these rows are as they should be."""

_LETTERS = {Kind.INT: "i", Kind.STR: "s", Kind.FLOAT: "f", Kind.BYTES: "b", Kind.TIMEDELTA: "i"}
_TESTS = {
    "i": "{0}.__class__ is int",
    "s": "{0}.__class__ is str",
    "b": "{0}.__class__ is bytes",
    "f": "({0}.__class__ is float or {0}.__class__ is int) and {0} - {0} == 0",
}
_ANYTHING, _ANYTHING_BUT_NULL = ".", "!"

native = compiled("holdall.stores.sql._classes", 2)
"""The part in C, None where it was not built."""


def class_check(fields: Sequence[FieldSchema], dialect: Dialect) -> RowCheck | None:
    """Return the check for rows with nulls that fields do not take, and values of another class where SQLite keeps any.

    None where nothing is to be looked at.
    """
    code = "".join(codes(fields, dialect))
    return check_by(code) if code.strip(_ANYTHING) else None


def is_untyped(dialect: Dialect) -> bool:
    """Whether a column's type says nothing of the values that its rows have."""
    return dialect.family == "sqlite" and dialect.driver in DRIVERS


def codes(fields: Sequence[FieldSchema], dialect: Dialect) -> Iterator[str]:
    """Give a letter for each column, in upper case where no null may be."""
    looks = is_untyped(dialect)
    for field in fields:
        for leaf in leaves(field):
            kept = leaf.field
            is_decoded_with_care = isinstance(kept, KeptField) and kept.is_loose
            letter = _ANYTHING
            if looks and field.kind is not Kind.MANY and (kept.kind is Kind.FLOAT or not is_decoded_with_care):
                letter = _LETTERS.get(kept.kind, _ANYTHING)
            if isinstance(kept, KeptField) and kept.may_be_null and not kept.nullable:
                letter = _ANYTHING_BUT_NULL if letter == _ANYTHING else letter.upper()
            yield letter


def check_by(code: str) -> RowCheck:
    """The check for columns of these letters, as ``_classes.c`` names them."""
    in_python = class_check_in_python(code)
    if native is None:
        return in_python
    in_c: Callable[[object, bytes], object] = native.are_as_coded
    letters = code.encode()

    def check(rows: Iterable[Sequence[Value]]) -> bool:
        answer = in_c(rows, letters)
        return in_python(rows) if answer is NotImplemented else bool(answer)

    return check


def class_check_in_python(code: str) -> RowCheck:
    """The same check without C, and for rows that are no list of tuples."""
    tests = [_test(letter, f"c{place}") for place, letter in enumerate(code)]
    demanded = " and ".join(f"({test})" for test in tests if test) or "True"
    row = "".join(f"c{place}, " for place in range(len(code)))
    body = [f"    for {row}in rows:", f"        if not ({demanded}):", "            return False", "    return True"]
    made: RowCheck = function("check", "rows", body, {}, "rows, checked")
    return made


def _test(letter: str, column: str) -> str:
    if letter == _ANYTHING:
        return ""
    if letter == _ANYTHING_BUT_NULL:
        return f"{column} is not None"
    test = _TESTS[letter.lower()].format(column)
    return test if letter.isupper() else f"{column} is None or {test}"
