"""The description of a collection for code that knows no models: names, kinds and rules of its stored fields.

Models write it, stores create tables from it, ``evaluate`` reads it. No schema holds a Python class of a user.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import msgspec

from holdall.errors import QueryError
from holdall.query.border import Key, Value

__all__ = ["FieldSchema", "Generated", "Kind", "ManyForm", "Schema"]


class Kind(StrEnum):
    """The kind of value a field has at the border between Holdall and a store.

    ``DATETIME`` is aware and in UTC; ``TIME`` is naive; ``JSON`` is a tree of dict, list, str, int, float, bool, None
    (lists, dicts and nested value objects arrive as this); ``REF`` is the target's key: a scalar, or a tuple where
    the target's key has several fields; ``MANY`` is a tuple of such keys.

    Example: :class:`Schema`.
    """

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    DECIMAL = "decimal"
    STR = "str"
    BYTES = "bytes"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    TIMEDELTA = "timedelta"
    UUID = "uuid"
    JSON = "json"
    REF = "ref"
    MANY = "many"


class Generated(StrEnum):
    """The party that makes a field's value when the record is added: nobody, the store or the session.

    Example: :class:`Schema`.
    """

    NO = "no"
    STORE = "store"  # an integer counted by the store
    CLIENT = "client"  # a UUIDv7 made by the session (RFC 9562)


class ManyForm(StrEnum):
    """How a Many is kept. Example: :class:`Schema`."""

    BACK = "back"  # not stored here: the records of ``target`` whose Ref ``back`` points at this record
    LIST = "list"  # stored here in order, duplicates refused
    SET = "set"  # stored here without order


class FieldSchema(msgspec.Struct, frozen=True):
    """One field: its name, kind and the rules a store can keep. Example: :class:`Schema`."""

    name: str
    kind: Kind
    nullable: bool = False
    generated: Generated = Generated.NO
    max_length: int | None = None  # characters (STR) or bytes (BYTES)
    choices: tuple[str | int, ...] | None = None  # for Enum and Literal fields
    digits: int | None = None  # DECIMAL: total digits
    places: int | None = None  # DECIMAL: digits after the point
    target: str | None = None  # REF, MANY: the collection referred to
    target_key: tuple[FieldSchema, ...] = ()  # REF, MANY: the target's key fields, in order
    form: ManyForm | None = None  # MANY only
    back: str | None = None  # MANY with form BACK: the Ref field of ``target`` that points here

    @property
    def is_stored(self) -> bool:
        """Whether rows have a place for this field; a Many that is only the other end of a Ref has none."""
        return self.form is not ManyForm.BACK


class Schema(msgspec.Struct, frozen=True, dict=True):
    """A collection: its name, all its fields, its key and what must be unique.

    Rows carry the stored fields in the order of ``stored``.

    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), key=("id",))
    >>> book.field("title").kind
    <Kind.STR: 'str'>
    """

    name: str
    fields: tuple[FieldSchema, ...]
    key: tuple[str, ...]
    version: str | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    streams: tuple[str, ...] = ()  # names of bytes kept beside each record, not in its row

    @cached_property
    def by_name(self) -> dict[str, FieldSchema]:
        """Every field under its name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def stored(self) -> tuple[FieldSchema, ...]:
        """The fields that rows carry, in row order."""
        return tuple(field for field in self.fields if field.is_stored)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Each stored field's place in a row."""
        return {field.name: position for position, field in enumerate(self.stored)}

    def field(self, name: str) -> FieldSchema:
        """The field of this name; raises QueryError if there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise QueryError(f"{self.name} has no field {name!r}; it has {', '.join(sorted(self.by_name))}") from None

    def key_of(self, row: tuple[Value, ...]) -> Key:
        """The key of a row of all stored fields: a scalar, or a tuple where the key has several fields."""
        if len(self.key) == 1:
            return row[self.positions[self.key[0]]]
        return tuple(row[self.positions[name]] for name in self.key)
