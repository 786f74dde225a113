"""Bounds of calculations with a constant: numbers are in the range exactly where the reference has a value."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdall.query import Call, Constant, FieldSchema, Kind, Of
from holdall.query.term_values import compile_term
from holdall.stores.sql.formula_bounds import whole_range

_LEAST, _MOST = -(2**63), 2**63 - 1
_numbers = st.integers(_LEAST, _MOST) | st.integers(-3, 3) | st.integers(9_190_000_000_000_000_000, _MOST)
_FIELD = FieldSchema("number", Kind.INT)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_the_range_is_where_the_reference_has_a_value(name: str, is_first: bool) -> None:
    @given(_numbers.filter(lambda number: number > _LEAST), _numbers)
    @example(0, _LEAST)
    @example(1 - 2**63, _LEAST)
    @example(_MOST, _MOST)
    def look(constant: int, number: int) -> None:
        arguments = (Constant(constant), Of(("number",))) if is_first else (Of(("number",)), Constant(constant))
        reference = compile_term(
            Call(name, arguments), lambda path: lambda row: row[0], lambda path: _FIELD, lambda path: (_FIELD, int)
        )
        found = whole_range(name, constant, is_first=is_first)
        near = () if found is None else (found[0] - 1, *found, found[1] + 1)
        for each in (number, *near):
            if _LEAST <= each <= _MOST:
                is_there = reference((each,)) is not None
                assert is_there is (found is not None and found[0] <= each <= found[1])

    look()
