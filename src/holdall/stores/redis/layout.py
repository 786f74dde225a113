"""The names of a collection's keys, and what is kept beside its records.

``prefix:book:17`` is a record, a hash with a field per attribute; ``prefix:book:17:field:log`` one of its streams.
Beside them lie ``prefix:book#keys`` (a sorted set of all keys, in key order), ``#index:born`` (a sorted set of values
and keys), ``#unique:isbn`` (a hash from values to keys), ``#entries`` (a hash from keys to what of them stands in
indexes), ``#indexes`` (the ``mark``: what is indexed), ``#expiry`` (the members of ``#keys`` by when they expire) and
``#counter``.
While a commit over several stores holds something here, ``#reserved`` says what, ``#commits`` who, and ``#held`` what
of it is whose (see ``held.lua``).
On a cluster braces name what lies in one slot together: ``{prefix}:book:17``, or ``{prefix:book}:17`` where each
collection has a slot of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from holdall.errors import DeclarationError, Unsupported
from holdall.query import FieldSchema, Generated, Key, Kind, Schema, Value
from holdall.stores.redis.asked import LoadKeys
from holdall.stores.redis.collection import RedisCollection
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.text import EXACT_ORDER, escaped, exact, exact_of, key_of_text, key_text, sortable_of

__all__ = ["SEPARATOR", "Layout", "Spread"]

Spread = Literal["store", "collection"]
"""What lies in one slot of a cluster: all of a store, or each collection by itself."""

_LONGEST_TTL = 10**10  # seconds, three hundred years

SEPARATOR = "\0"
"""Between a value and a key in a sorted set: the smallest character, and in no value."""


class Layout:
    """Where one collection lies."""

    def __init__(
        self,
        store: str,
        prefix: str,
        spread: Spread | None,
        schema: Schema,
        options: RedisCollection,
        scan_limit: int,
    ) -> None:
        self.schema = schema
        self.store = store
        self.name = options.name or schema.stored_name
        if not self.name or any(character in self.name for character in "#{}%\0") or ":" in schema.stored_name:
            raise DeclarationError(f"store {store!r}: a collection cannot be called {self.name!r} here")
        self.base = _tagged(prefix, self.name, spread)
        self.record = f"{self.base}:"
        self.keys = f"{self.base}#keys"
        self.counter = f"{self.base}#counter"
        self.entries = f"{self.base}#entries"
        self.expiry = f"{self.base}#expiry"
        self.mark = f"{self.base}#indexes"
        self.reserved = f"{self.base}#reserved"
        self.commits = f"{self.base}#commits"
        self.held = f"{self.base}#held"
        if options.encoding not in ("json", "typed"):
            raise DeclarationError(f'store {store!r}: encoding is "json" or "typed", not {options.encoding!r}')
        self.is_shared = options.encoding == "typed"  # with programs that do not list what they write
        self.ttl = None if options.ttl is None else _milliseconds(store, schema.name, options.ttl)
        self.scan_limit = scan_limit if options.scan_limit is None else options.scan_limit
        self.key_fields = tuple(schema.by_name[name] for name in schema.key)
        self.indexed = tuple(dict.fromkeys(group[0] for group in schema.indexes))
        self.unique = schema.unique
        self.descriptions: dict[int, tuple[tuple[str, ...], msgspec.Raw]] = {}  # see described
        self._refuse_unfit()

    def _refuse_unfit(self) -> None:
        for name in (*self.indexed, *(name for group in self.unique for name in group)):
            kind = self.schema.by_name[name].kind
            if kind in (Kind.JSON, Kind.MANY):
                raise Unsupported(self.store, f"an index of {kind} values", f"{self.schema.name}.{name} asks for one")
        for field in self.key_fields:
            if field.kind in (Kind.JSON, Kind.MANY):
                raise Unsupported(self.store, f"keys of kind {field.kind}", f"{self.schema.name}.{field.name} is one")

    def refuse_inside(self, others: Mapping[str, Layout]) -> None:
        """Raise DeclarationError for a collection whose records would lie among another's."""
        for name, other in others.items():
            inner, outer = sorted((self, other), key=lambda each: len(each.base), reverse=True)
            if name != self.schema.name and inner.base.startswith(outer.record):
                raise DeclarationError(
                    f"store {self.store!r}: {inner.base} would lie among the records of {outer.schema.name}; "
                    f"give {inner.schema.name} another name"
                )

    def index(self, name: str) -> str:
        """The sorted set of a field's values."""
        return f"{self.base}#index:{name}"

    def unique_values(self, fields: tuple[str, ...]) -> str:
        """The hash of values that are unique."""
        return f"{self.base}#unique:{','.join(fields)}"

    @staticmethod
    def stream(record: str, name: str) -> str:
        """The key of one of a record's streams."""
        return f"{record}:field:{name}"

    @property
    def counts(self) -> bool:
        """Whether the store makes this collection's keys."""
        return self.key_fields[0].generated is Generated.STORE

    @cached_property
    def slots(self) -> tuple[tuple[str, Callable[[Any], str]], ...]:
        """The entries of each record in ``#entries``: a field and the text it has there.

        First the indexed fields with sortable texts, then the fields of each unique group with exact ones.
        """
        by_name = self.schema.by_name
        sortables = [(name, sortable_of(by_name[name])) for name in self.indexed]
        return (*sortables, *((name, exact_of(by_name[name])) for group in self.unique for name in group))

    @cached_property
    def slot_numbers(self) -> tuple[list[int], list[list[int]]]:
        """The numbers, from 1, of the slots of each index and of each unique group."""
        place = len(self.indexed)
        groups = []
        for fields in self.unique:
            groups.append(list(range(place + 1, place + 1 + len(fields))))
            place += len(fields)
        return list(range(1, len(self.indexed) + 1)), groups

    @cached_property
    def numbers(self) -> dict[str, int]:
        """By key, the number of what lies beside the records in the mark, which tells what of it was not empty."""
        beside = [self.keys]
        if self.slots:
            beside += [self.entries, *map(self.index, self.indexed), *map(self.unique_values, self.unique)]
        return {key: number for number, key in enumerate(beside, 1)}

    @cached_property
    def declared(self) -> str:
        """The indexes, as the mark spells them; empty where there is none."""
        groups = [*((name,) for name in self.indexed), *(("unique", *group) for group in self.unique)]
        return " ".join(",".join(group) for group in groups)

    def text(self, key: Key) -> str:
        """A record's key as text."""
        return key_text(self.key_fields, key)

    @cached_property
    def texts(self) -> Callable[[list[Any]], list[str]]:
        """From many keys to their texts."""
        if len(self.key_fields) == 1 and self.key_fields[0].kind in (Kind.INT, Kind.UUID):
            return lambda keys: list(map(str, keys))
        if len(self.key_fields) == 1 and self.key_fields[0].kind is Kind.STR:
            return lambda keys: list(map(escaped, keys))
        return lambda keys: list(map(self.text, keys))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the stored fields."""
        return tuple([field.name for field in self.schema.stored])

    @cached_property
    def load_keys(self) -> LoadKeys:
        """The keys that every reading script is given."""
        return LoadKeys(self.keys, self.mark)

    @cached_property
    def packed_key_names(self) -> bytes:
        """The names of the key's fields in a hash, as a script is sent them."""
        return msgspec.msgpack.encode(self.columns_of(self.schema.key))

    @cached_property
    def _columns(self) -> dict[str, str]:
        return {field.name: field.column for field in self.schema.stored if field.columns}

    def columns_of(self, names: Sequence[str]) -> Sequence[str]:
        """The names under which these fields stand in a hash."""
        columns = self._columns
        return [columns.get(name, name) for name in names] if columns else names

    @cached_property
    def leaves(self) -> tuple[FieldSchema, ...]:
        """The key's parts, those of a reference among them in its place."""
        return tuple(_leaves(self.key_fields))

    @property
    def colons(self) -> int:
        """How many colons stand in a record's text."""
        return len(self.leaves) - 1

    def key_of(self, text: str) -> Key:
        """The key whose text this is. Raises Misfit."""
        key, rest = key_of_text(self.key_fields, text.split(":"))
        if rest or self.text(key) != text:
            raise Misfit(f"its name does not hold a key of {self.schema.name}")
        return key

    def member_of(self, text: str) -> str:
        """The member of ``#keys`` for a record's text. Raises Misfit."""
        return self.members([self.key_of(text)], [text])[0]

    @cached_property
    def is_ordered(self) -> bool:
        """Whether ``#keys`` is in the order of the keys."""
        return all(_orders(field) for field in self.key_fields)

    def place(self, parts: tuple[Value, ...]) -> str:
        """Where in ``#keys`` the records whose key begins with these parts stand, up to the last separator."""
        return SEPARATOR.join(_order_text(field, part) for field, part in zip(self.key_fields, parts, strict=False))

    def members(self, keys: list[Key], texts: list[str]) -> list[str]:
        """The members of ``#keys`` for these keys and their texts."""
        if len(self.key_fields) == 1:
            if self.key_fields[0].kind is Kind.INT:
                return [f"{key + 2**63:016x}\0{text}" for key, text in zip(keys, texts, strict=True)]
            keys = [(key,) for key in keys]
        return [f"{self.place(key)}{SEPARATOR}{text}" for key, text in zip(keys, texts, strict=True)]


def _milliseconds(store: str, collection: str, seconds: Any) -> int:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds <= _LONGEST_TTL or round(seconds * 1000) == 0:
        raise DeclarationError(
            f"store {store!r}: the ttl of {collection} must be a number of seconds, "
            f"more than 0 and at most {_LONGEST_TTL}"
        )
    milliseconds: int = round(seconds * 1000)
    return milliseconds


def _leaves(fields: tuple[FieldSchema, ...]) -> Iterator[FieldSchema]:
    for field in fields:
        if field.kind is Kind.REF:
            yield from _leaves(field.target_key)
        else:
            yield field


def _tagged(prefix: str, name: str, spread: Spread | None) -> str:
    if not prefix:
        return name if spread is None else f"{{{name}}}"
    if spread is None or "{" in prefix:
        return f"{prefix}:{name}"
    return f"{{{prefix}}}:{name}" if spread == "store" else f"{{{prefix}:{name}}}"


def _orders(field: FieldSchema) -> bool:
    if field.kind is Kind.REF:
        return len(field.target_key) == 1 and _orders(field.target_key[0])
    return field.kind in EXACT_ORDER


def _order_text(field: FieldSchema, value: object) -> str:
    if field.kind is Kind.REF and len(field.target_key) == 1:
        return _order_text(field.target_key[0], value)
    to_text = EXACT_ORDER.get(field.kind)
    return exact(field, value) if to_text is None else to_text(value)
