"""Records that are not as their models say: read value by value, and told with all that could be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from holdall.errors import CorruptRecord
from holdall.query import Key, Schema, Value
from holdall.store import Damaged, Row, Rows
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.layout import Layout

__all__ = ["Stored", "key_as_named", "names_itself", "refuse_damaged", "row_of", "without_damage"]

Stored: TypeAlias = "Sequence[bytes] | bytes"
"""Values as they are stored, or the name of a type where a record is no hash."""

_OTHER = Damaged("is stored in a record that does not hold the key in its name")


def names_itself(layout: Layout, codec: Codec, text: bytes, *held: bytes) -> bool:
    """Whether a record holds the key that is in its name, given as it is stored."""
    return key_as_named(layout, codec, text.decode(errors="replace"), held) is not None


def key_as_named(layout: Layout, codec: Codec, text: str, held: Sequence[bytes]) -> tuple[Key, ...] | None:
    """The parts of the key that a record holds, None where it is not the one in its name."""
    try:
        parts = tuple([codec.value(name, value) for name, value in zip(layout.schema.key, held, strict=True)])
        if None in parts or layout.text(parts if len(parts) > 1 else parts[0]) != text:
            return None
    except Misfit:
        return None
    return parts


def row_of(layout: Layout, codec: Codec, text: str, names: Sequence[str], stored: Stored) -> Row:
    """The values of one record, ``Damaged`` for each that cannot be read; its key is that of its name."""
    key, size = layout.schema.key, len(names)
    values: dict[str, Value] = dict.fromkeys(names, _OTHER)
    if isinstance(stored, bytes):
        values = dict.fromkeys(names, Damaged(f"is stored in a {stored.decode()} where a hash should be"))
    elif (parts := key_as_named(layout, codec, text, stored[size:])) is not None:
        values = {name: _value(codec, name, value) for name, value in zip(names, stored[:size], strict=True)}
        values.update(zip(key, parts, strict=True))
        return tuple([values[name] for name in names])
    try:
        named = layout.key_of(text)
    except Misfit:
        return tuple(values.values())
    values.update(zip(key, named if len(key) > 1 else (named,), strict=True))
    return tuple([values[name] for name in names])


def _value(codec: Codec, name: str, value: bytes) -> Value:
    try:
        return codec.value(name, value)
    except Misfit as misfit:
        return Damaged(str(misfit))


def without_damage(row: Row) -> Row:
    """The row with null for what cannot be read; the row itself where there is none such."""
    if not any(isinstance(value, Damaged) for value in row):
        return row
    return tuple([None if isinstance(value, Damaged) else value for value in row])


def refuse_damaged(store: str, schema: Schema, names: Sequence[str], rows: Rows) -> None:
    """Raise CorruptRecord, with all rows, for the first of them that cannot be read whole."""
    for row in rows:
        broken = {name: value for name, value in zip(names, row, strict=True) if isinstance(value, Damaged)}
        if broken:
            shown = dict(zip(names, row, strict=True))
            parts = tuple([shown.get(name) for name in schema.key])
            is_known = not any(part is None or isinstance(part, Damaged) for part in parts)
            key = (parts[0] if len(parts) == 1 else parts) if is_known else None
            place = schema.name if key is None else f"{schema.name} {key!r}"
            reasons = "; ".join(f"{name} {value.reason}" for name, value in broken.items())
            raise CorruptRecord(store, place, reasons, key=key, fields=tuple(broken), rows=rows)
