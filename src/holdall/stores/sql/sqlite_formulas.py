"""Functions of formulas that SQLite lacks, of what it stores: the reference itself (``term_values``)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from holdall.query.border import Json, Value
from holdall.query.search import searcher
from holdall.query.term_values import fold
from holdall.stores.sql import _values as values

__all__ = ["FORMULA_FUNCTIONS"]

_EXACT = Context(prec=200)
_MICROSECOND = timedelta(microseconds=1)
_compiled = lru_cache(maxsize=200)(re.compile)
_searcher = lru_cache(maxsize=200)(searcher)
_steps = lru_cache(maxsize=200)(json.loads)


def _of_values(function: Callable[..., Value]) -> Callable[..., Value]:
    """The same, null where a value is."""

    def call(*given: Value) -> Value:
        return None if None in given else function(*given)

    return call


def _number(value: str | float) -> Decimal:
    return Decimal(value) if isinstance(value, str) else Decimal(repr(value))


def _round(value: str | float, places: int) -> str | float:
    if isinstance(value, str):
        return str(_number(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT))
    scale = float(10**places)
    return float(round(value * scale)) / scale


def _elapsed(one: str, two: str) -> int:
    first, second = datetime.fromisoformat(one), datetime.fromisoformat(two)
    return (first.replace(tzinfo=None) - second.replace(tzinfo=None)) // _MICROSECOND


def _read(text: str | float) -> Json:
    found: Json = values.json_from_text_or_number(text)
    return found


def _at(text: str | float, path: str) -> str | None:
    value: Value = _read(text)
    for step in _steps(path):
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return None if value is None else values.json_to_text(value)


def _if_of(*types: type) -> Callable[[str | float], Value]:
    def value(text: str | float) -> Value:
        found = _read(text)
        return found if type(found) in types else None

    return value


def _as_float(text: str | float) -> float | None:
    found: Value = _read(text)
    return float(found) if type(found) in (int, float) else None


_FUNCTIONS: tuple[tuple[str, Callable[..., Value], int], ...] = (
    ("holdall_lower", str.lower, 1),
    ("holdall_upper", str.upper, 1),
    ("holdall_fold", fold, 1),
    ("holdall_matches", lambda text, pattern: _compiled(pattern).search(text) is not None, 2),
    ("holdall_add", lambda one, two: str(_EXACT.add(_number(one), _number(two))), 2),
    ("holdall_sub", lambda one, two: str(_EXACT.subtract(_number(one), _number(two))), 2),
    ("holdall_mul", lambda one, two: str(_EXACT.multiply(_number(one), _number(two))), 2),
    ("holdall_neg", lambda value: str(_number(value).copy_negate()), 1),
    ("holdall_abs", lambda value: str(_number(value).copy_abs()), 1),
    ("holdall_round", _round, 2),
    ("holdall_elapsed", _elapsed, 2),
    ("holdall_at", _at, 2),
    ("holdall_as_text", _if_of(str), 1),
    ("holdall_as_int", _if_of(int), 1),
    ("holdall_as_bool", _if_of(bool), 1),
    ("holdall_as_float", _as_float, 1),
)

FORMULA_FUNCTIONS = (
    *[(name, _of_values(function), count) for name, function, count in _FUNCTIONS],
    ("holdall_search", lambda words, *texts: _searcher(words)(texts), -1),
)
"""Names, functions and numbers of arguments, as connections are taught them."""
