"""Keys that stand in the names of files: read as the values that the names were made of, or refused with a reason."""

from __future__ import annotations

import datetime as dt

import pytest

from holdall.query import FieldSchema, Kind, Schema, Value
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.record import key_of_parts

_CODE, _NUMBER = FieldSchema("code", Kind.STR), FieldSchema("number", Kind.INT)
_KINDS: dict[str, FieldSchema] = {
    "flag": FieldSchema("key", Kind.BOOL),
    "number": FieldSchema("key", Kind.INT),
    "share": FieldSchema("key", Kind.FLOAT),
    "day": FieldSchema("key", Kind.DATE),
    "one": FieldSchema("key", Kind.REF, target="line", target_key=(_NUMBER,)),
    "both": FieldSchema("key", Kind.REF, target="line", target_key=(_CODE, _NUMBER)),
}


def _key(kind: str, text: str) -> Value:
    schema = Schema("thing", (_KINDS[kind], FieldSchema("name", Kind.STR)), ("key",))
    return key_of_parts(schema, [text])["key"]


@pytest.mark.parametrize(
    "kind, text, value",
    [
        ("flag", "true", True),
        ("flag", "false", False),
        ("number", "-7", -7),
        ("share", "1.5", 1.5),
        ("day", "2024-05-06", dt.date(2024, 5, 6)),
        ("one", "7", 7),
        ("both", "a~1b/7", ("a/b", 7)),
        ("both", "a~0b/7", ("a~b", 7)),
    ],
)
def test_a_name_is_read(kind: str, text: str, value: Value) -> None:
    found = _key(kind, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "kind, text, told",
    [
        ("flag", "True", "true or false is expected"),
        ("number", "07", "rename it after '7'"),
        ("number", "9" * 40, "a whole number is expected"),
        ("share", "1.50", "rename it after '1.5'"),
        ("share", "much", "a number is expected"),
        ("one", "seven", "a whole number is expected"),
        ("both", "a", "does not hold a key of line"),
        ("both", "a/7/8", "does not hold a key of line"),
    ],
)
def test_a_name_is_refused(kind: str, text: str, told: str) -> None:
    with pytest.raises(Misfit, match=told):
        _key(kind, text)


def test_the_number_of_parts_is_that_of_the_key() -> None:
    schema = Schema("thing", (_CODE, _NUMBER), ("code", "number"))
    assert key_of_parts(schema, ["a", "7"]) == {"code": "a", "number": 7}
    with pytest.raises(Misfit, match="has 1 parts, the key of thing has 2"):
        key_of_parts(schema, ["a"])
