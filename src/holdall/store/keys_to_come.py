"""Keys that an ``apply`` is still to make: found in what changes hold, and put in their place once they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from holdall.errors import StoreError
from holdall.query import Key
from holdall.store.change import KeyOf, Members

__all__ = ["awaits_key", "no_earlier_add", "positions_awaited", "with_made_keys"]


def awaits_key(value: object) -> bool:
    """Whether a KeyOf stands in a key or value of a change.

    >>> awaits_key(("a", KeyOf(0)))
    True
    """
    if isinstance(value, tuple):
        return any(map(awaits_key, value))
    return isinstance(value, KeyOf)


def positions_awaited(value: object) -> Iterator[int]:
    """Yield the positions of the changes whose keys a key or value waits for. Example: :func:`with_made_keys`."""
    if isinstance(value, KeyOf):
        yield value.position
    elif isinstance(value, tuple):
        for item in value:
            yield from positions_awaited(item)


def with_made_keys(store: str, value: object, made: Mapping[int, Any], before: int | None = None) -> Key:
    """Return the value with the key for every KeyOf in it.

    ``made`` has the keys of the ADDs so far by their position; with ``before``, only of those at lower positions may be
    used. Raises StoreError, with the name of the ``store``, for a KeyOf of anything else.

    >>> with_made_keys("main", ("a", KeyOf(0)), {0: 7})
    ('a', 7)
    """
    if isinstance(value, KeyOf):
        if value.position not in made or (before is not None and value.position >= before):
            raise no_earlier_add(store, value.position)
        return made[value.position]
    if not isinstance(value, tuple):
        return value
    found = tuple([with_made_keys(store, item, made, before) for item in value])
    return Members.of(found, value.before) if isinstance(value, Members) else found


def no_earlier_add(store: str, position: int) -> StoreError:
    """Make the error for a KeyOf that names no earlier ADD. Example: :func:`with_made_keys`."""
    return StoreError(
        store, f"change {position}, whose key another change takes, is no earlier ADD of the same apply()"
    )
