"""The way to the part of writing that is in C, where that was built: the same for the common values, only quicker.

``HOLDALL_PURE=1`` in the environment leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from holdall.codegen import compiled
from holdall.model.field import Field
from holdall.model.state import State
from holdall.model.tracking import InstanceState, SessionLink, Tracked

__all__ = ["is_native", "native_fits", "native_setattr"]

VERSION = 1  # of what these files agree on
_SIMPLE = frozenset({bool, int, float, str, bytes, date, timedelta, UUID})
"""Types that C knows by itself."""


def _loaded() -> Any:
    module = compiled("holdall.model._write", VERSION)
    if module is None:
        return None
    try:
        module.learn(Tracked, SessionLink, InstanceState, State.DIRTY, State.NEW)
    except (AttributeError, TypeError):  # from another source
        return None
    return module


_write = _loaded()
is_native = _write is not None
"""Whether records are written in C."""


def native_setattr(slow: Callable[[Any, str, Any], None], fields: Iterable[Field]) -> Callable[[Any, str, Any], None]:
    """A ``__setattr__`` that leaves to ``slow`` what is not common; ``slow`` itself where there is none in C."""
    plans = {field.name: plan for field in fields if not field.frozen and (plan := _plan(field)) is not None}
    return slow if _write is None or not plans else _write.Setattr(slow, plans)


def native_fits(fields: Iterable[Field]) -> tuple[tuple[str, ...], Callable[..., bool] | None]:
    """The names of the fields whose values C can check by itself, and what checks them, all in this order."""
    plans = {field.name: plan for field in fields if (plan := _plan(field)) is not None and plan[3] is None}
    return ((), None) if _write is None or not plans else (tuple(plans), _write.fits_of(tuple(plans.values())))


def _plan(field: Field) -> tuple[Any, type[Any] | None, bool, Callable[[Any], bool] | None] | None:
    """The field's slot and type, whether it may be None, and what decides whether a value fits, unless C knows."""
    if field.type is None or field.fast_source("x", {}) is None:
        return None
    is_simple = field.type.scalar in _SIMPLE and not field.rules
    return field.slot, field.type.scalar, field.nullable or field.may_be_unset, None if is_simple else field.fast
