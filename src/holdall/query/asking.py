"""How far the values of a field may be asked for, where that is less than its kind allows, and by what they are not."""

from __future__ import annotations

from holdall.errors import QueryError
from holdall.query.condition import Op
from holdall.query.schema import Asked

__all__ = ["demand_asked", "instead_of_values"]

_ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN})


def demand_asked(asked: Asked, shown: str, op: Op | None = None) -> None:
    """Raise QueryError where a field, ``shown`` in the error, may not be asked for like this; without ``op``, by order.

    >>> demand_asked(Asked.EQUALITY, "address", Op.EQ)
    >>> demand_asked(Asked.NOTHING, "password", Op.EQ)
    Traceback (most recent call last):
    holdall.errors.QueryError: password is a secret: no condition and no sort may ask for it, but is_null()
    """
    if asked is Asked.NOTHING:
        raise QueryError(f"{shown} is a secret: no condition and no sort may ask for it, but is_null()")
    if asked is Asked.EQUALITY and (op is None or op in _ORDER):
        raise QueryError(f"{shown} has no order as it is kept: compare it by == or in_, or give its Codec ordered=True")


def instead_of_values(values: object) -> str:
    """Return words for what was given in place of a list of values.

    >>> instead_of_values("a")
    'text: give [text] for one, or ask by =='
    """
    if hasattr(values, "projection"):
        return "a query: lead through a reference (Book.author.country == ...), or fetch the keys first by only(...)"
    if isinstance(values, str):
        return "text: give [text] for one, or ask by =="
    return type(values).__name__
