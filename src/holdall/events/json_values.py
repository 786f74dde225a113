"""Values of events as JSON shows them: as the REST service shows those of records."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from holdall.model import WITHHELD, Record
from holdall.query import Key, Value

__all__ = ["bounded_key_text", "key_text", "shown_values", "stored_values"]

_NOTHING: Mapping[str, Value] = {}


def shown_values(model: Value, values: Mapping[str, Value], names: Collection[str] | None = None) -> dict[str, Value]:
    """The values of these fields, each in the form that it has in JSON."""
    by_name, found = model.__holdall__.by_name, {}
    for name, value in values.items():
        if names is None or name in names:
            field = by_name.get(name)
            own = None if field is None or field.type is None else field.type.own
            found[name] = value if own is None or value is None else own.show(value)
    return found


def stored_values(record: Record, before: Mapping[str, Value] = _NOTHING) -> dict[str, Value]:
    """The values of a record's stored fields, references as keys, without those that are withheld from its session.

    A value that the record had ``before`` stands for the value of now.
    """
    slots = [(field, before.get(field.name, field.get(record))) for field in record.__holdall__.stored]
    return {
        field.name: field.encode(slot) if field.is_relation else slot for field, slot in slots if slot is not WITHHELD
    }


def key_text(key: Key) -> str:
    """A key as text: its parts, joined by commas; a comma or backslash of a part has a backslash before it.

    >>> key_text(("a,b", 1)), key_text("a,b")
    ('a\\\\,b,1', 'a,b')
    """
    if not isinstance(key, tuple):
        return str(key)
    return ",".join([str(part).replace("\\", "\\\\").replace(",", "\\,") for part in key])


def bounded_key_text(key: Key) -> str:
    """A key as text of at most 500 characters; of a longer one the beginning, and a hash of all of it.

    >>> len(bounded_key_text("a" * 501)), bounded_key_text("a")
    (500, 'a')
    """
    import hashlib  # takes its time, and only long keys need it

    text = key_text(key)
    return text if len(text) <= 500 else text[:435] + "#" + hashlib.sha256(text.encode()).hexdigest()
