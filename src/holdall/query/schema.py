"""The description of a collection for code that knows no models: names, kinds and rules of its stored fields.

Models write it, stores create tables from it, ``evaluate`` reads it. No schema holds a Python class of a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

import msgspec

from holdall.errors import QueryError
from holdall.query.border import Key, Value
from holdall.query.nested_place import NestedPlace

__all__ = ["Asked", "FieldSchema", "Generated", "Kind", "LinkTable", "ManyForm", "Schema"]


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
    CLIENT = "client"  # a UUIDv7 (RFC 9562) or an ObjectId made by the session
    DEFAULT = "default"  # the store's own default, where no value is given
    COMPUTED = "computed"  # what the store makes of each write; no value is ever given


class Asked(StrEnum):
    """How far conditions and sorts may go by what a field keeps. Example: :class:`Schema`."""

    ORDER = "order"  # as far as its kind goes
    EQUALITY = "equality"  # not by order, which is none of its values
    NOTHING = "nothing"  # only whether there is a value: it is a secret


class ManyForm(StrEnum):
    """How a Many is kept. Example: :class:`Schema`."""

    BACK = "back"  # not stored here: the records of ``target`` whose Ref ``back`` points at this record
    LIST = "list"  # stored here in order, duplicates refused
    SET = "set"  # stored here without order


class LinkTable(msgspec.Struct, frozen=True):
    """The table in which a database keeps a stored Many, where others named it: a row for each reference.

    ``owner`` and ``target`` name the columns of the two keys, in the order of their fields; ``position`` names the
    column that counts from 0 in a list. Names that are left out are Holdall's own.

    >>> from holdall import Model, Ref, field
    >>> from holdall.query import LinkTable
    >>> class Tag(Model):
    ...     id: int = field(pk=True)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     tags: frozenset[Ref[Tag]] = field(link=LinkTable("book_tags", owner=("book_id",), target=("tag_id",)))
    """

    table: str
    owner: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    position: str | None = None


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
    columns: tuple[str, ...] = ()  # the names under which it is stored, where they are not the field's own
    link: LinkTable | None = None  # MANY: the table of a database that keeps it
    stored_choices: tuple[str, ...] = ()  # the texts that an SQL database keeps for ``choices``, in their order
    asked: Asked = Asked.ORDER
    is_object_id: bool = False  # STR: an ObjectId, which MongoDB keeps as its own type
    takes_made_key: bool = False  # INT: may be given the key that another change of the same apply makes
    inside: NestedPlace | None = None  # REF, MANY: where in the JSON of another field the keys lie

    @property
    def is_stored(self) -> bool:
        """Whether rows have a place for it: not for the other end of a Ref, nor for what lies in another field."""
        return self.form is not ManyForm.BACK and self.inside is None

    @property
    def kept_in(self) -> str:
        """The name of the field that keeps it: its own, or that of the one in whose JSON it lies."""
        return self.name if self.inside is None else self.inside.root

    @property
    def may_await_key(self) -> bool:
        """Whether a key may stand here which another change of the same ``apply`` is still to make."""
        return self.kind is Kind.REF or self.kind is Kind.MANY or self.takes_made_key

    @property
    def is_given_by_store(self) -> bool:
        """Whether the store may have another value for the field than it was sent."""
        return self.generated is Generated.DEFAULT or self.generated is Generated.COMPUTED

    @property
    def column(self) -> str:
        """The name under which a store keeps the whole field: a key of a document, a field of a hash, a member."""
        return self.columns[0] if self.columns else self.name


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
    search: tuple[str, ...] = ()  # names of the texts that full-text search looks into
    streams: tuple[str, ...] = ()  # names of bytes kept beside each record, not in its row
    table: str = ""  # the name under which the collection is stored, where that is not its own
    namespace: str | None = None  # the schema of a database in which its table lies
    is_read_only: bool = False  # nothing is ever written; then it may have no key, and be a view
    nested: tuple[FieldSchema, ...] = ()  # references inside the JSON of other fields, which sessions answer for

    @property
    def stored_name(self) -> str:
        """The name under which a store keeps the collection."""
        return self.table or self.name

    @cached_property
    def by_name(self) -> dict[str, FieldSchema]:
        """Every field under its name, and every reference inside another under its dotted name."""
        return {field.name: field for field in (*self.fields, *self.nested)}

    @cached_property
    def stored(self) -> tuple[FieldSchema, ...]:
        """The fields that rows carry, in row order."""
        return tuple(field for field in self.fields if field.is_stored)

    @cached_property
    def counted(self) -> str | None:
        """The name of the key's field that the store makes, which may be a part of the key only; None without one."""
        made = (name for name in self.key if self.by_name[name].generated is Generated.STORE)
        return next(made, None)

    def key_from(self, values: Mapping[str, Value]) -> Key:
        """The key among values by name; None where a part of it is not there."""
        parts = tuple([values.get(name) for name in self.key])
        return None if None in parts else parts if len(parts) > 1 else parts[0]

    @cached_property
    def given_by_store(self) -> tuple[str, ...]:
        """The names of the fields for which the store may have another value than it was sent."""
        return tuple(field.name for field in self.stored if field.is_given_by_store)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names under which the fields that rows carry are stored."""
        return frozenset(field.column for field in self.stored)

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
