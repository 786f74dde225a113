"""Answers decoded: the one that holds a record, those that hold lists, and what a new record's says of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from holdall.errors import Unsupported
from holdall.store import Row, Rows
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.codec import Misfit, field_type, nested, nested_type, reader_of
from holdall.stores.rest.paging import Cursor

__all__ = ["ItemDecoder", "KeyDecoder", "ListDecoder"]


class ItemDecoder:
    """Decodes the answer that holds one record."""

    def __init__(self, binding: Binding) -> None:
        self._codec, self._unwrap = binding.codec, binding.collection.unwrap
        place = tuple(binding.collection.item_at.split(".")) if binding.collection.item_at else ()
        item = binding.codec.item_type
        self._decoder = msgspec.json.Decoder(nested_type([(place, item, msgspec.NODEFAULT)]) if place else item)
        self._attributes = nested([place])[0].split(".") if place else []
        self._item = item
        self._prefix = f"{binding.collection.item_at}." if place else ""

    def decode(self, body: bytes) -> Row:
        """The row. Raises msgspec's errors and Misfit."""
        if self._unwrap is not None:
            found = msgspec.convert(_unwrapped(self._unwrap, body), self._item)
        else:
            found = self._decoder.decode(body)
            for name in self._attributes:
                found = getattr(found, name)
        return self._codec.rows([found], body, self._prefix)[0]


class ListDecoder:
    """Decodes the answers that hold lists: rows, total, what leads to the next page."""

    def __init__(self, binding: Binding, fields: frozenset[str]) -> None:
        collection = binding.collection
        self._codec, self._unwrap = binding.codec, collection.unwrap
        self._items = list[binding.codec.type_of(fields.intersection(binding.codec.places))]  # type: ignore[misc]
        cursor = collection.paging.next_at if isinstance(collection.paging, Cursor) else ""
        places = [tuple(text.split(".")) if text else () for text in (collection.list_at, collection.total_at, cursor)]
        leaves: list[Any] = [(places[0], self._items, msgspec.NODEFAULT)] if places[0] else []
        if not leaves and any(places):
            raise Unsupported(binding.store, "a total or a cursor beside a bare list", "declare list_at=")
        for place, kind in ((places[1], int), (places[2], str | int)):
            if place:
                leaves.append((place, kind | None, None))
        self._decoder = msgspec.json.Decoder(nested_type(leaves) if leaves else self._items)
        paths = [path.split(".") for path in nested([leaf[0] for leaf in leaves])]
        self._list = paths[0] if leaves else []
        self._total = paths[1] if places[1] else None
        self._next = paths[-1] if places[2] else None
        self._prefix = f"{collection.list_at}[{{}}]."

    def decode(self, body: bytes) -> tuple[Rows, int | None, str | None]:
        """The rows, the total and what leads to the next page, where they are told."""
        if self._unwrap is not None:
            items = msgspec.convert(_unwrapped(self._unwrap, body), self._items)
            return self._codec.rows(items, body, self._prefix), None, None
        found = self._decoder.decode(body)
        total = None if self._total is None else _at(found, self._total)
        following = None if self._next is None else _at(found, self._next)
        if total is not None and total < 0:
            raise Misfit("it is negative", "the total")
        rows = self._codec.rows(_at(found, self._list), body, self._prefix)
        return rows, total, None if following is None else str(following)


def _at(found: Any, path: Iterable[str]) -> Any:
    for name in path:
        if found is None:
            return None
        found = getattr(found, name)
    return found


def _unwrapped(unwrap: Callable[[Any], Any], body: bytes) -> Any:
    document = msgspec.json.decode(body)
    try:
        return unwrap(document)
    except (LookupError, TypeError, AttributeError) as error:
        raise Misfit("unwrap does not find its way in it", "the answer") from error


class KeyDecoder:
    """Decodes the key of the record in an answer, whatever else the record holds or lacks."""

    def __init__(self, binding: Binding) -> None:
        collection, schema = binding.collection, binding.schema
        self._unwrap = collection.unwrap
        above = tuple(collection.item_at.split(".")) if collection.item_at else ()
        places = [binding.codec.places[name] for name in schema.key]
        types = [field_type(schema.by_name[name]) for name in schema.key]
        leaves = [(place, kind, msgspec.NODEFAULT) for place, kind in zip(places, types, strict=True)]
        self._item = nested_type(leaves)
        self._read_item = reader_of(nested(places))
        whole = [(above + place, kind, default) for place, kind, default in leaves]
        self._decoder = msgspec.json.Decoder(nested_type(whole))
        self._read = reader_of(nested([place for place, _, _ in whole]))

    def decode(self, body: bytes) -> Any:
        """The key. Raises as decoders do."""
        if self._unwrap is not None:
            parts = self._read_item(msgspec.convert(_unwrapped(self._unwrap, body), self._item))
        else:
            parts = self._read(self._decoder.decode(body))
        return parts[0] if len(parts) == 1 else parts
