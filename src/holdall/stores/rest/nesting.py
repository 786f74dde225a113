"""Places inside JSON objects: types that decode some of them and pass over the rest, and values put there or taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Json, Value
from holdall.store import Row

__all__ = ["Leaf", "nested", "nested_type", "put", "reader_of", "taken"]

Leaf: TypeAlias = tuple[tuple[str, ...], Any, Any]
"""A place in a JSON object, its type, and its default (``msgspec.NODEFAULT`` for none)."""


def nested_type(leaves: Iterable[Leaf]) -> Any:
    """A type that decodes these places of an object and passes over all others; attributes are ``f0``, ``f1``, …"""
    tree: dict[str, list[Leaf]] = {}
    for path, kind, default in leaves:
        tree.setdefault(path[0], []).append((path[1:], kind, default))
    fields: list[tuple[str, Any, Any]] = []
    for number, below in enumerate(tree.values()):
        if len(below) > 1 and any(not path for path, _, _ in below):
            raise DeclarationError("two fields lie at one place of the JSON, or one inside the other")
        path, kind, default = below[0]
        if not path:
            fields.append((f"f{number}", kind, default))
            continue
        is_optional = all(default is not msgspec.NODEFAULT for _, _, default in below)
        inner = nested_type(below)
        fields.append((f"f{number}", inner | None if is_optional else inner, None if is_optional else default))
    names = {f"f{number}": name for number, name in enumerate(tree)}
    made = [(name, kind) if default is msgspec.NODEFAULT else (name, kind, default) for name, kind, default in fields]
    return msgspec.defstruct("Answer", made, rename=names, kw_only=True, gc=False)


def nested(places: Sequence[tuple[str, ...]]) -> list[str]:
    """The attribute paths at which ``nested_type`` puts these places, in the same order."""
    numbers: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    for place in places:
        for end in range(1, len(place) + 1):
            if place[:end] not in numbers:
                numbers[place[:end]] = counts.get(place[: end - 1], 0)
                counts[place[: end - 1]] = numbers[place[:end]] + 1
    return [".".join(f"f{numbers[place[:end]]}" for end in range(1, len(place) + 1)) for place in places]


def reader_of(attributes: Sequence[str]) -> Callable[[Any], Row]:
    """A function from a decoded object to the tuple of these attributes; None behind a missing object."""
    if all("." not in attribute for attribute in attributes):
        if len(attributes) > 1:
            return attrgetter(*attributes)
        only = attrgetter(*attributes)
        return lambda item: (only(item),)
    paths = [attribute.split(".") for attribute in attributes]

    def read(item: object) -> Row:
        return tuple([_through(item, path) for path in paths])

    return read


def put(document: dict[str, Value], place: Sequence[str], value: Value) -> None:
    """Set what stands at this place of a JSON object, making the objects on the way."""
    *above, last = place
    for step in above:
        inner = document.get(step)
        if not isinstance(inner, dict):
            inner = document[step] = {}
        document = inner
    document[last] = value


def taken(document: Json, place: Sequence[str]) -> Json:
    """Return the value at this place of a JSON object; None where there is none."""
    for step in place:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _through(item: object, path: Sequence[str]) -> object:
    for name in path:
        if item is None:
            return None
        item = getattr(item, name)
    return item
