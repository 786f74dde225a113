"""The reference meaning of formulas: a function from a row to the value, None where there is none.

A function of a missing value is missing, but for ``coalesce`` and ``search``, to which it is no text. Division by zero
is missing; so is a whole number (or timedelta) of ±9.2e18 or more, what ``//`` and ``%`` make of one of half as much,
whatever is calculated with a float beyond ±1e150, and a product or quotient of one nearer to 0 than 1e-150: all stores
can tell these bounds, and none has to raise an error for a row that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import TypeAlias

from holdall.query.border import Row, Value
from holdall.query.condition import Path
from holdall.query.frozen import frozen
from holdall.query.pattern import portable
from holdall.query.schema import FieldSchema, Kind
from holdall.query.search import searcher
from holdall.query.term import Call, Constant, Of, Outer, Term
from holdall.query.term_kinds import Leaf, term_field

__all__ = ["FLOAT_HIGH", "FLOAT_LOW", "WHOLE_BOUND", "compile_term", "fold", "function_of"]

WHOLE_BOUND = 9.2e18
"""Results of calculations with whole numbers are nearer to 0 than this, or missing."""

FLOAT_HIGH, FLOAT_LOW = 1e150, 1e-150
"""The largest float that is calculated with, and the one nearest to 0 that is multiplied and divided."""

_Getter: TypeAlias = Callable[[Row], Value]
_Outer: TypeAlias = Callable[[Path], tuple[FieldSchema, Callable[[], Value]]]
_MICROSECOND = timedelta(microseconds=1)
_EXACT = Context(prec=200)


def compile_term(term: Term, get: Callable[[Path], _Getter], leaf: Leaf, outer: _Outer) -> _Getter:
    """Return the function from a row to the value of a checked term.

    ``get`` and ``leaf`` give what is known of a path; ``outer`` gives, of a path from the record of the query around,
    the field and a function that gives the value.

    >>> from holdall.query import Call, Constant, FieldSchema, Kind, Of
    >>> pages = FieldSchema("pages", Kind.INT)
    >>> half = compile_term(Call("div", (Of(("pages",)), Constant(2))), lambda path: lambda row: row[0],
    ...     lambda path: pages, lambda path: (pages, lambda: None))
    >>> half((345,)), half((None,))
    (172.5, None)
    """
    if isinstance(term, Of):
        return get(term.path)
    if isinstance(term, Constant):
        value = term.value
        return lambda row: value
    if isinstance(term, Outer):
        around = outer(term.path)[1]
        return lambda row: around()
    assert isinstance(term, Call)
    getters = [compile_term(argument, get, leaf, outer) for argument in term.arguments]
    function = function_of(term, leaf, lambda path: outer(path)[0])
    if term.function == "coalesce":
        return lambda row: next((function(found) for one in getters if (found := one(row)) is not None), None)
    if term.function == "search":
        return lambda row: function(*[one(row) for one in getters])
    if len(getters) == 1:
        (only,) = getters
        return lambda row: None if (found := only(row)) is None else function(found)
    if len(getters) == 2:
        left, right = getters
        return lambda row: None if (one := left(row)) is None or (two := right(row)) is None else function(one, two)

    def call(row: Row) -> Value:
        values = [one(row) for one in getters]
        return None if None in values else function(*values)

    return call


def function_of(term: Call, leaf: Leaf, outer: Leaf) -> Callable[..., Value]:
    """The function of a call, which takes the values of its arguments, none of them missing."""
    fields = [term_field(argument, leaf, outer) for argument in term.arguments]
    return _MAKERS[term.function](term, [field.kind for field in fields], term_field(term, leaf, outer))


def fold(text: str) -> str:
    """The text without letter case: full case folding (Unicode, section 3.13)."""
    return text.casefold()


_Maker: TypeAlias = Callable[[Call, list[Kind], FieldSchema], Callable[..., Value]]
_SIGNS: dict[str, Callable[[Value, Value], Value]] = {"add": add, "sub": sub, "mul": mul}
_COMPARE: dict[str, Callable[[Value, Value], Value]] = {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}


def _plain(function: Callable[..., Value]) -> _Maker:
    return lambda term, kinds, result: function


def _arithmetic(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[..., Value]:
    act = _SIGNS[term.function]
    match result.kind:
        case Kind.INT:
            return lambda one, two: act(one, two) if _is_whole(act(float(one), float(two))) else None
        case Kind.FLOAT:
            low = FLOAT_LOW if term.function == "mul" else 0.0
            return lambda one, two: (
                float(act(float(one), float(two))) if _is_fit(one, low) and _is_fit(two, low) else None
            )
        case Kind.DECIMAL:
            exact = {"add": _EXACT.add, "sub": _EXACT.subtract, "mul": _EXACT.multiply}[term.function]
            return lambda one, two: exact(Decimal(one), Decimal(two))
    if kinds[0] is not Kind.TIMEDELTA:
        return sub

    def lasting(one: timedelta, two: timedelta) -> timedelta | None:
        first, second = one // _MICROSECOND, two // _MICROSECOND
        return act(one, two) if _is_whole(act(float(first), float(second))) else None

    return lasting


def _is_whole(size: float) -> bool:
    return -WHOLE_BOUND < size < WHOLE_BOUND


def _is_fit(value: float, low: float) -> bool:
    size = abs(value)
    return low <= size <= FLOAT_HIGH or size == 0


def _quotient(one: float, two: float) -> float | None:
    return float(one) / float(two) if two and _is_fit(one, FLOAT_LOW) and _is_fit(two, FLOAT_LOW) else None


def _is_divided(one: int, two: int) -> bool:
    return abs(float(one)) < WHOLE_BOUND / 2 and abs(float(two)) < WHOLE_BOUND / 2


def _sign(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[[Value], Value]:
    if result.kind is Kind.DECIMAL:
        return (lambda value: Decimal(value).copy_negate()) if term.function == "neg" else Decimal.copy_abs
    return (lambda value: -value) if term.function == "neg" else abs


def _round(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[..., Value]:
    if result.kind is Kind.INT:
        return lambda value, places=0: value
    if result.kind is Kind.DECIMAL:
        return lambda value, places=0: value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    return lambda value, places=0: _rounded(value, places)


def _rounded(value: float, places: int) -> float | None:
    """Half to even, of the value times a power of ten as floats have it."""
    if abs(value) > FLOAT_HIGH:
        return None
    scale = float(10**places)
    return float(round(value * scale)) / scale


def _unify(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[[Value], Value]:
    if result.kind is Kind.FLOAT:
        return float
    return Decimal if result.kind is Kind.DECIMAL else lambda value: value


def _comparing(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[[Value, Value], bool]:
    compare = _COMPARE[term.function]
    if kinds[0] is Kind.JSON:
        return lambda one, two: bool(compare(frozen(one), frozen(two)))
    if Kind.FLOAT in kinds:
        return lambda one, two: bool(compare(float(one), float(two)))
    return lambda one, two: bool(compare(one, two))


def _matching(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[[str, str], bool]:
    pattern = term.arguments[1]
    assert isinstance(pattern, Constant)
    search = re.compile(portable(pattern.value)).search
    return lambda text, _: search(text) is not None


def _searching(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[..., bool]:
    words = term.arguments[0]
    assert isinstance(words, Constant)
    is_found = searcher(words.value)
    return lambda _, *texts: is_found(texts)


def _part(term: Call, kinds: list[Kind], result: FieldSchema) -> Callable[[Value], Value]:
    name = term.function
    if name == "weekday":
        return date.weekday
    return datetime.date if name == "date" else lambda value: getattr(value, name)


def _item(value: Value, *steps: str | int) -> Value:
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def _if_of(*types: type) -> _Maker:
    return _plain(lambda value: value if type(value) in types else None)


_MAKERS: dict[str, _Maker] = {
    **dict.fromkeys(_SIGNS, _arithmetic),
    "neg": _sign,
    "abs": _sign,
    "div": _plain(_quotient),
    "floordiv": _plain(lambda one, two: one // two if two and _is_divided(one, two) else None),
    "mod": _plain(lambda one, two: one % two if two and _is_divided(one, two) else None),
    "round": _round,
    "lower": _plain(str.lower),
    "upper": _plain(str.upper),
    "trim": _plain(lambda text: text.strip(" ")),
    "fold": _plain(fold),
    "length": _plain(len),
    "concat": _plain(lambda *texts: "".join(texts)),
    "matches": _matching,
    "search": _searching,
    **dict.fromkeys(("year", "month", "day", "weekday", "hour", "minute", "second", "date"), _part),
    "coalesce": _unify,
    **dict.fromkeys(_COMPARE, _comparing),
    "float": _plain(float),
    "decimal": _plain(Decimal),
    "text": _plain(str),
    "at": _plain(_item),
    "as_text": _if_of(str),
    "as_int": _if_of(int),
    "as_float": _plain(lambda value: float(value) if type(value) in (int, float) else None),
    "as_bool": _if_of(bool),
}
