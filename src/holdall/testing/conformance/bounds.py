"""Values at their bounds, and the numbers a store must not pass."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from holdall.errors import LimitExceeded
from holdall.query import ALWAYS, MAX_DEPTH, MAX_INT, NEVER, And, Compare, Kind, Not, Op, Or, Query, Value
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires
from holdall.testing.pool import POOL

__all__ = ["Bounds"]

_EXTREMES: dict[Kind, tuple[Value, ...]] = {
    Kind.INT: (MAX_INT, -MAX_INT, 2**53 + 1, 2**31),
    Kind.FLOAT: (
        *(sys.float_info.max, 1.2e308, 1.1e308),  # whose sum is infinite
        *(-sys.float_info.max, sys.float_info.min, 5e-324, -0.0, 0.1 + 0.2, 1 / 3, 1e22),
    ),
    Kind.DECIMAL: tuple(map(Decimal, ("99999999999999.9999", "-99999999999999.9999", "0.0001", "1E+3", "10.0", "-0"))),
    Kind.STR: ("", "x" * 1_048_576, "é" * 100_000, "😀" * 10_000, "\x01\x7f\u2028", "\r\n", "a\u0301", "á"),
    Kind.BYTES: (b"", b"\x00" * 100, bytes(range(256)) * 4096),
    Kind.DATETIME: (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    ),
    Kind.DATE: (date.min, date.max, date(1582, 10, 10)),
    Kind.TIME: (time.min, time.max),
    Kind.TIMEDELTA: (timedelta(100_000, 0, 1), timedelta(-100_000, 0, 1), timedelta.resolution, -timedelta.resolution),
    Kind.JSON: (
        {"n": MAX_INT, "m": -MAX_INT},
        {"text": '"\\/\b\f\n\r\t\u2028😀', "é": "é"},
        [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],
        [0.1, -2.5, 1e-7],
        [1e16, 2.0**63, 1e19, -1e22, 1.7e308, 5e-324],
        ["x" * 100_000],
        {str(number): number for number in range(1000)},
    ),
}


class Bounds:
    """Values and queries that are very large, very small, or very many."""

    @pytest.mark.parametrize("kind", list(_EXTREMES))
    def test_extreme_values(self, case: Case, kind: Kind) -> None:
        """They come back exactly, and comparing with them finds them."""
        if not case.declares(kind):
            return
        case.clear()
        limit = case.store.capabilities.limits.text_length
        extremes = [value for value in _EXTREMES[kind] if kind is not Kind.STR or limit is None or len(value) <= limit]
        name = f"maybe_{kind}"
        filler = {f"some_{other}": POOL[other][0] for other in POOL if case.declares(other)}
        case.apply(*(case.add("sample", id=n, **{**filler, name: value}) for n, value in enumerate([*extremes, None])))
        place = case.schemas["sample"].positions[name]
        rows = {row[0]: row[place] for row in case.fetch(Query("sample"))}
        assert rows == dict(enumerate([*extremes, None]))
        case.remember()
        if case.declares(Feature.FILTER) and kind is not Kind.JSON:
            ops = sorted({Op.EQ, Op.NE, Op.LT, Op.GE} & case.store.capabilities.operators)
            case.expect_keys("sample", *[Compare((name,), op, value) for value in extremes for op in ops])

    @requires(Feature.FILTER, Op.IN)
    def test_long_lists(self, case: Case) -> None:
        """A list of as many values as the store takes, and the refusal of one more."""
        case.load()
        most = case.store.capabilities.limits.in_values
        case.expect(Query("sample", Compare(("id",), Op.IN, tuple(range(min(most, 5_000))))))
        with pytest.raises(LimitExceeded):
            case.fetch(Query("sample", Compare(("id",), Op.IN, tuple(range(most + 1)))))

    @requires(Feature.FILTER, Op.EQ)
    def test_large_conditions(self, case: Case) -> None:
        """A condition of hundreds of nodes is answered; one beyond the limit of nodes or levels is refused."""
        case.load()
        most = case.store.capabilities.limits.condition_nodes
        wide = Or(tuple(Compare(("id",), Op.EQ, number) for number in range(min(most - 1, 300))))
        case.expect(Query("sample", wide))
        with pytest.raises(LimitExceeded):
            case.fetch(Query("sample", Or(wide.items * (most // len(wide.items) + 1))))
        deep: Any = Compare(("id",), Op.EQ, 1)
        for level in range(MAX_DEPTH - 1):
            deep = (Not(deep), And((deep, ALWAYS)), Or((deep, NEVER)))[level % 3]
        case.expect(Query("sample", deep))
        for _ in range(5_000):
            deep = Not(deep)
        with pytest.raises(LimitExceeded):
            case.fetch(Query("sample", deep))
