"""Changes with the keys that a store has made for them: fit to be repeated, by anyone, at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from holdall.query import Value
from holdall.store import Change, KeyOf, Members, Outcome

__all__ = ["shifted", "with_keys"]


def with_keys(changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Change]:
    """The changes with every key in its place, given their outcomes.

    >>> from holdall.store import Verb
    >>> new = Change(Verb.ADD, "author", None, ("name",), ("Ann",))
    >>> book = Change(Verb.ADD, "book", 1, ("author",), (KeyOf(0),))
    >>> [(change.key, change.values) for change in with_keys([new, book], [Outcome(key=7), Outcome()])]
    [(7, ('Ann',)), (1, (7,))]
    """
    keys = [
        change.key if outcome.key is None else outcome.key for change, outcome in zip(changes, outcomes, strict=True)
    ]
    found = []
    for change, key in zip(changes, keys, strict=True):
        key, values = _replaced(key, keys.__getitem__), _replaced(change.values, keys.__getitem__)
        same = key is change.key and values is change.values
        found.append(change if same else msgspec.structs.replace(change, key=key, values=values))
    return found


def shifted(changes: Sequence[Change], by: int) -> list[Change]:
    """The changes as they stand behind ``by`` others in one ``apply``."""

    def later(position: int) -> KeyOf:
        return KeyOf(position + by)

    return [
        msgspec.structs.replace(change, key=_replaced(change.key, later), values=_replaced(change.values, later))
        for change in changes
    ]


def _replaced(value: object, replace: Callable[[int], Any]) -> Value:
    """The value with something else for each KeyOf; the same object where there is none."""
    if isinstance(value, KeyOf):
        return replace(value.position)
    if isinstance(value, tuple):
        items = tuple([_replaced(item, replace) for item in value])
        if all(map(_is, items, value)):
            return value
        return Members.of(items, value.before) if isinstance(value, Members) else items
    return value


def _is(one: object, other: object) -> bool:
    return one is other
