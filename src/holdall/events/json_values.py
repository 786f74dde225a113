"""Values of events as JSON shows them: as the REST service shows those of records."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from holdall.query import Key, Value

__all__ = ["key_text", "shown_values"]


def shown_values(model: Value, values: Mapping[str, Value], names: Collection[str] | None = None) -> dict[str, Value]:
    """The values of these fields, each in the form that it has in JSON."""
    by_name, found = model.__holdall__.by_name, {}
    for name, value in values.items():
        if names is None or name in names:
            field = by_name.get(name)
            own = None if field is None or field.type is None else field.type.own
            found[name] = value if own is None or value is None else own.show(value)
    return found


def key_text(key: Key) -> str:
    """A key as text: its parts, joined by commas."""
    return ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
