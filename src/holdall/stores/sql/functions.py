"""Functions that SQLite lacks: Unicode letter case, the order of decimals, the equality of JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from holdall.query.groups import exact_sum
from holdall.stores.sql import _values as values
from holdall.stores.sql.canonical import canonical_json
from holdall.stores.sql.columns import DECIMAL_COLLATION
from holdall.stores.sql.sqlite_formulas import FORMULA_FUNCTIONS

__all__ = ["register"]

_decimal = lru_cache(maxsize=4096)(Decimal)


def register(connection: Any) -> None:
    """Teach a connection of apsw or of the standard library's sqlite3 what compiled statements and tables rely on."""
    functions: tuple[tuple[str, Callable[..., Any], int], ...] = (
        ("holdall_icontains", icontains, 2),
        ("holdall_json", canonical, 1),
        ("holdall_moment", values.moment_of, 1),
        ("holdall_clock", values.clock_of, 1),
        *FORMULA_FUNCTIONS,
    )
    is_apsw = hasattr(connection, "create_scalar_function")
    for name, function, count in functions:
        if is_apsw:
            connection.create_scalar_function(name, function, count, deterministic=True)
        else:
            connection.create_function(name, count, function, deterministic=True)
    if is_apsw:
        connection.create_aggregate_function("holdall_sum", ExactSum.for_apsw, 1)
    else:
        connection.create_aggregate("holdall_sum", 1, ExactSum)
    connection.create_collation(DECIMAL_COLLATION, compare_decimals)


class ExactSum:
    """The sum of decimals kept as text, with all their digits; null of none."""

    def __init__(self) -> None:
        self._values: list[Decimal] = []

    def step(self, value: str | float | None) -> None:
        """Take in one value."""
        if value is not None:
            self._values.append(_decimal(value if isinstance(value, str) else repr(value)))

    def finalize(self) -> str | None:
        """Return the sum as text."""
        return str(exact_sum(self._values)) if self._values else None

    @staticmethod
    def for_apsw() -> tuple[ExactSum, Callable[..., None], Callable[[ExactSum], str | None]]:
        """Return what apsw takes for an aggregate: a new sum, its step and its end."""
        return ExactSum(), ExactSum.step, ExactSum.finalize


def icontains(text: str | None, wanted: str) -> bool | None:
    """Whether the text contains ``wanted``, given in lower case, in any letter case."""
    return text if text is None else wanted in text.lower()


def canonical(text: str | float | None) -> str | None:
    """One text for all JSON values that are equal."""
    return text if text is None else canonical_json(values.json_from_text_or_number(text))


def compare_decimals(left: str, right: str) -> int:
    """The order of decimals kept as text: 10 after 9, 1.0 beside 1.00; what is no number comes before, as text."""
    try:
        one, other = _decimal(left), _decimal(right)
        return (one > other) - (one < other)
    except ArithmeticError:
        placed, against = (_is_number(left), left), (_is_number(right), right)
        return (placed > against) - (placed < against)


def _is_number(text: str) -> bool:
    try:
        return not _decimal(text).is_nan()
    except ArithmeticError:
        return False
