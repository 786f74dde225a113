from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.query import Json
from holdall.stores.sql.canonical import canonical_json
from holdall.stores.sql.functions import compare_decimals, register


@pytest.mark.parametrize("connect", [apsw.Connection, sqlite3.connect])
def test_both_drivers_are_taught(connect: Any) -> None:
    connection = connect(":memory:")
    register(connection)
    sql = """SELECT holdall_icontains('xÀy', 'à'), holdall_icontains(NULL, 'a'),
             holdall_json('{"b":1.0,"a":[true]}'), '9' < '10' COLLATE holdall_decimal,
             '1.0' = '1' COLLATE holdall_decimal"""
    assert list(connection.execute(sql)) == [(1, None, '{"a":[true],"b":1}', 1, 1)]
    connection.close()


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_as_text_have_their_own_order(left: Decimal, right: Decimal) -> None:
    assert compare_decimals(str(left), str(right)) == (left > right) - (left < right)


def test_equal_json_has_one_text() -> None:
    assert canonical_json({"b": [1.0, None], "a": "x"}) == canonical_json({"a": "x", "b": [1, None]})
    different: list[Json] = [1, True, "1", [1], {"": 1}, 1.5, False, 0]
    assert len(set(map(canonical_json, different))) == len(different)
