"""Answers decoded: the one that holds a record, those that hold lists, and what a new record's says of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from holdall.errors import Unsupported
from holdall.query import MAX_INT, Json, Key
from holdall.store import Row, Rows
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.bodies import read_document
from holdall.stores.rest.codec import Misfit, field_type
from holdall.stores.rest.continuation import CONTAINERS, NAMES, NOTHING, Hints, hints_of
from holdall.stores.rest.nesting import Leaf, nested, nested_type, reader_of
from holdall.stores.rest.paging import Cursor, LastRecord
from holdall.stores.rest.places import steps

__all__ = ["ItemDecoder", "KeyDecoder", "ListDecoder", "Listed"]


class ItemDecoder:
    """Decodes the answer that holds one record."""

    def __init__(self, binding: Binding) -> None:
        self._codec, self._unwrap = binding.codec, binding.collection.unwrap
        place = steps(binding.collection.item_at)
        item = binding.codec.item_type
        self._decoder = msgspec.json.Decoder(nested_type([(place, item, msgspec.NODEFAULT)]) if place else item)
        self._attributes = nested([place])[0].split(".") if place else []
        self._item = item
        self._place = place
        self._prefix = f"{binding.collection.item_at}." if place else ""

    def decode(self, body: bytes) -> Row:
        """The row. Raises msgspec's errors and Misfit."""
        if self._unwrap is not None:
            found = msgspec.convert(_unwrapped(self._unwrap, body)[1], self._item)
        else:
            found = self._decoder.decode(body)
            for name in self._attributes:
                found = getattr(found, name)
        return self._codec.rows([found], body, self._prefix)[0]

    def document(self, body: bytes) -> dict[str, Json]:
        """The record's whole JSON, of an answer that ``decode`` took. Raises ValueError for what it passed over."""
        found: Any = read_document(body)
        if self._unwrap is not None:
            found = self._unwrap(found)
        else:
            for name in self._place:
                found = found[name]
        record: dict[str, Json] = found
        return record


class Listed(msgspec.Struct, gc=False):
    """The content of an answer to a list request: rows, how many there are in all, the place of the next page, and the
    hints of words that are not declared.
    """

    rows: Rows
    total: int | None = None
    next: str | None = None
    hints: Hints = NOTHING


class ListDecoder:
    """Decodes the answers that hold lists."""

    def __init__(self, binding: Binding, fields: frozenset[str]) -> None:
        collection = binding.collection
        self._codec, self._unwrap = binding.codec, collection.unwrap
        self._items = list[binding.codec.type_of(fields.intersection(binding.codec.places))]  # type: ignore[misc]
        paging = collection.paging
        cursor = paging.next_at if isinstance(paging, Cursor) else ""
        cursor = paging.more_at if isinstance(paging, LastRecord) else cursor
        told = bool if isinstance(paging, LastRecord) else str | int
        self._places = [steps(text) for text in (collection.list_at, collection.total_at, cursor)]
        if not self._places[0] and any(self._places):
            raise Unsupported(binding.store, "a total or a cursor beside a bare list", "declare list_at=")
        leaves: list[Leaf] = []
        for place, kind in zip(self._places, (self._items, int | str, told), strict=True):
            if place:
                leaves.append((place, kind | None, msgspec.NODEFAULT if kind is self._items else None))
        signs = _signs([place for place, *_ in leaves])
        leaves += [(place, Any, None) for place in signs]
        self._decoder = msgspec.json.Decoder(nested_type(leaves) if leaves else self._items)
        attributes = nested([place for place, *_ in leaves])
        self._attributes = {place: path.split(".") for (place, *_), path in zip(leaves, attributes, strict=True)}
        self._beside = self._readers(signs)
        self._prefix = f"{collection.list_at}[{{}}]."

    def decode(self, body: bytes) -> Listed:
        """Decode the answer to a list request. Raises msgspec's errors and Misfit."""
        if self._unwrap is not None:
            document, items = _unwrapped(self._unwrap, body)
            beside = list(document.items()) if isinstance(document, dict) else []
            rows = self._codec.rows(msgspec.convert(items, self._items), body, self._prefix)
            return Listed(rows, hints=hints_of(beside))
        found = self._decoder.decode(body)
        if not self._places[0]:
            return Listed(self._codec.rows(found, body, self._prefix))
        items, total, following = [_at(found, self._attributes[place]) if place else None for place in self._places]
        rows = self._codec.rows(items or (), body, self._prefix)
        told = hints_of(self._told(found))
        hints = msgspec.structs.replace(told, least=0) if self._places[1] else told
        return Listed(rows, _total(total), None if following is None else str(following), hints)

    def _readers(self, signs: Sequence[tuple[str, ...]]) -> list[tuple[list[str], list[str]]]:
        """For each object: the way to it, and the words that may stand in it, which are its last attributes."""
        grouped: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for place in signs:
            grouped.setdefault(place[:-1], []).append(place)
        return [(self._attributes[places[0]][:-1], [place[-1] for place in places]) for places in grouped.values()]

    def _told(self, found: object) -> list[tuple[str, Any]]:
        """The words that stand beside the list, and what they say."""
        told: list[tuple[str, Any]] = []
        for way, names in self._beside:
            inside = _at(found, way)
            values = () if inside is None else msgspec.structs.astuple(inside)[-len(names) :]
            if values.count(None) < len(values):
                told += [(name, value) for name, value in zip(names, values, strict=True) if value is not None]
        return told


def _signs(declared: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Where an answer may tell, beside what is declared of it, that there is more."""
    objects = {place[:end] for place in declared for end in range(len(place))}
    names = ((*above, name) for above in objects for name in dict.fromkeys((*NAMES, *CONTAINERS)))
    return [place for place in names if place not in objects and place not in declared]


def _total(told: int | str | None) -> int | None:
    """The number of records in all, which some APIs write as text."""
    if isinstance(told, str):
        if not (told.isascii() and told.isdigit()):
            raise Misfit("it is not a number", "the total")
        told = int(told) if len(told) < 20 else MAX_INT + 1
    if told is not None and not 0 <= told <= MAX_INT:
        raise Misfit("it is negative, or too large to be true", "the total")
    return told


def _at(found: object, path: Iterable[str]) -> Any:
    for name in path:
        if found is None:
            return None
        found = getattr(found, name)
    return found


def _unwrapped(unwrap: Callable[[Any], Any], body: bytes) -> tuple[Any, Any]:
    """The document, and what the function finds in it."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number beyond all bounds, of which the model may not know
        document = read_document(body)
    try:
        return document, unwrap(document)
    except (LookupError, TypeError, AttributeError) as error:
        raise Misfit("unwrap does not find its way in it", "the answer") from error


class KeyDecoder:
    """Decodes the key of the record in an answer, whatever else the record holds or lacks."""

    def __init__(self, binding: Binding) -> None:
        collection, schema = binding.collection, binding.schema
        self._unwrap = collection.unwrap
        above = steps(collection.item_at)
        names = [name for name in schema.key if name in binding.codec.places]
        self._is_whole = len(names) == len(schema.key)  # not where the path alone has a part
        places = [binding.codec.places[name] for name in names]
        types = [field_type(schema.by_name[name]) for name in names]
        leaves = [(place, kind, msgspec.NODEFAULT) for place, kind in zip(places, types, strict=True)]
        self._item = nested_type(leaves)
        self._read_item = reader_of(nested(places))
        whole = [(above + place, kind, default) for place, kind, default in leaves]
        self._decoder = msgspec.json.Decoder(nested_type(whole))
        self._read = reader_of(nested([place for place, _, _ in whole]))

    def decode(self, body: bytes) -> Key:
        """The key. Raises as decoders do."""
        if not self._is_whole:
            raise Misfit("it does not hold the whole key", "the answer")
        if self._unwrap is not None:
            parts = self._read_item(msgspec.convert(_unwrapped(self._unwrap, body)[1], self._item))
        else:
            parts = self._read(self._decoder.decode(body))
        return parts[0] if len(parts) == 1 else parts
