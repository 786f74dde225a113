"""Another parser's reading of YAML, to compare with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from holdall.stores.yaml.plain import resolve

__all__ = ["identical", "second"]

_KINDS = (ScalarEvent, MappingStartEvent, MappingEndEvent, SequenceStartEvent, SequenceEndEvent)


def second(text: str) -> Any:
    """The value of a text by ruamel.yaml; it resolves plain scalars by YAML 1.1 in part, so that is done by ours."""
    events = (event for event in YAML(typ="safe", pure=True).parse(text) if isinstance(event, _KINDS))
    first = next(events, None)
    return None if first is None else _built(first, events)


def _built(event: Any, events: Iterator[Any]) -> Any:
    if isinstance(event, ScalarEvent):
        if event.tag is not None or event.anchor is not None:
            raise ValueError("a tag or an anchor")
        return event.value if not event.implicit[0] else resolve(event.value) if event.value else None
    if isinstance(event, SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(_built(event, events))
        return items
    values: dict[Any, Any] = {}
    while not isinstance(event := next(events), MappingEndEvent):
        name = _built(event, events)
        if isinstance(name, list | dict) or name in values:
            raise ValueError("a name that is none")
        values[name] = _built(next(events), events)
    return values


def identical(one: Any, other: Any) -> bool:
    """Whether two readings are the same, kind for kind and in order."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(map(identical, one.values(), other.values()))
    return type(one) is type(other) and one == other
