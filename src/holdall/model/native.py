"""The way to the part of writing that is in C, where that was built: the same for the common values, only quicker.

``HOLDALL_PURE=1`` in the environment leaves it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import repeat
from typing import Any
from uuid import UUID

import msgspec

from holdall.codegen import compiled
from holdall.errors import FieldError, FieldErrors
from holdall.model.field import Field
from holdall.model.state import State
from holdall.model.tracking import InstanceState, Record, SessionLink, Tracked, set_track
from holdall.query import Value

__all__ = ["is_native", "native_constructor", "native_setattr", "track_all"]

VERSION = 3  # of what these files agree on
_SIMPLE = frozenset({bool, int, float, str, bytes, date, datetime, timedelta, UUID})
"""Types that C knows by itself."""


class _Struct(msgspec.Struct):
    """A struct like any other: all are made by one function of msgspec."""


def _loaded() -> Value:
    module = compiled("holdall.model._write", VERSION)
    if module is None:
        return None
    try:
        module.learn(Tracked, SessionLink, InstanceState, State.DIRTY, State.NEW, _Struct)
    except (AttributeError, TypeError):  # from another source
        return None
    return module


_write = _loaded()
is_native = _write is not None
"""Whether records are written in C."""


def _track_each(records: list[Record], track: SessionLink | InstanceState) -> None:
    deque(map(set_track, records, repeat(track)), maxlen=0)  # the quickest loop there is in Python


track_all: Callable[[list[Record], SessionLink | InstanceState], None] = (
    _track_each if _write is None else _write.track_all
)
"""Puts a track into the slots of many records."""


def native_setattr(slow: Callable[[Any, str, Any], None], fields: Iterable[Field]) -> Callable[[Any, str, Any], None]:
    """A ``__setattr__`` that leaves to ``slow`` what is not common; ``slow`` itself where there is none in C."""
    plans = {field.name: plan for field in fields if not field.frozen and (plan := _plan(field)) is not None}
    return slow if _write is None or not plans else _write.Setattr(slow, plans)


def native_constructor(
    slow: Callable[..., Value],
    model: type[Value],
    fields: Iterable[Field],
    admits: Callable[[Field], Callable[..., Value]],
    after: Callable[[Value], object] | None,
    hooks: tuple[list[Callable[[Value], object]], Callable[[Value], object]],
) -> Callable[..., Value]:
    """A constructor that leaves to ``slow`` what is not plainly right; ``slow`` itself where there is none in C.

    ``admits`` gives what looks at values of a field that C does not know; ``after`` is called with each record, and so
    is the second of ``hooks`` while there are any in the first.
    """
    if _write is None:
        return slow
    names, plans, defaults = [], [], []
    for field in fields:
        names.append(field.name if field.options.init else None)
        plans.append(
            _plan(field)
            or (_bounded(field, admits(field)), field.form is None and (field.nullable or field.may_be_unset))
        )
        defaults.append(_default(field))
    try:
        made: Callable[..., Value] = _write.Construct(
            slow, model, tuple(names), tuple(plans), tuple(defaults), after, *hooks
        )
    except TypeError:  # structs are made by something else
        return slow
    return made


def _bounded(field: Field, admit: Callable[..., Value]) -> Callable[..., Value]:
    """The same, which gathers mistakes up to a bound; C would take any number."""

    def look(value: object, errors: list[FieldError]) -> Value:
        found = FieldErrors(field.model)
        admitted = admit(value, found)
        if found:
            errors.extend(found)
        return admitted

    return look


def _default(field: Field) -> tuple[Any, Callable[[], Any] | None] | None:
    """The constant or the factory for a value that is not given; None where one must be."""
    options = field.options
    if options.default_factory is not None:
        return None, options.default_factory
    if not options.init:
        return None, field.default
    return (field.default(), None) if field.has_default else None


def _plan(field: Field) -> tuple[Any, type[Value] | None, bool, Callable[[Value], bool] | None] | None:
    """The field's slot and type, whether it may be None, and what decides whether a value fits, unless C knows."""
    if field.type is None or field.fast_source("x", {}) is None:
        return None
    is_simple = field.type.scalar in _SIMPLE and not field.rules
    return field.slot, field.type.scalar, field.nullable or field.may_be_unset, None if is_simple else field.fast
