"""Records shown inside the values of others, in the place of their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from holdall.query import Json, Key, NestedPlace, Value, key_to_json

__all__ = ["put_inside"]

_NULL = msgspec.Raw(b"null")
_encode = msgspec.json.Encoder().encode


def put_inside(shown: Sequence[dict[str, msgspec.Raw]], place: NestedPlace, made: Mapping[Key, msgspec.Raw]) -> None:
    """Put the JSON of records, by their keys, in the place of the keys inside the JSON of others; null for those that
    are not there.

    >>> from holdall.query import NestedPlace
    >>> order = {"lines": msgspec.Raw(b'[{"product":7},{"product":8}]')}
    >>> put_inside([order], NestedPlace("lines", (None, "product")), {7: msgspec.Raw(b'{"title":"Bun"}')})
    >>> bytes(order["lines"])
    b'[{"product":{"title":"Bun"}},{"product":null}]'
    """
    by_json = {_encode(key_to_json(key)): raw for key, raw in made.items()}

    def found(kept: Json) -> Value:
        return None if kept is None else by_json.get(_encode(kept), _NULL)

    for item in shown:
        root = item.get(place.root)
        if root is not None:
            item[place.root] = msgspec.Raw(_encode(_replaced(msgspec.json.decode(root), place.steps, found)))


def _replaced(value: Value, steps: tuple[str | None, ...], found: Callable[[Json], Value]) -> Value:
    if not steps:
        return found(value)
    if steps[0] is None:
        return [_replaced(each, steps[1:], found) for each in value] if isinstance(value, list) else value
    if isinstance(value, dict) and steps[0] in value:
        value[steps[0]] = _replaced(value[steps[0]], steps[1:], found)
    return value
