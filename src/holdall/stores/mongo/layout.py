"""Where the fields of a collection lie in its documents: names that are safe, the key as ``_id``, a codec for each."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import DeclarationError, QueryError, Unsupported
from holdall.query import FieldSchema, Kind, Schema
from holdall.stores.mongo.codec import Codec, codec_of, key_document
from holdall.stores.mongo.collection import MongoCollection

__all__ = ["COUNTERS", "GUARD", "SESSIONS", "TOKEN", "Layout", "Layouts", "Place", "is_safe_name"]

COUNTERS = "holdall_counter"
"""The collection that counts generated keys."""

SESSIONS = "holdall_session"
"""The collection that tells whose the server's sessions are."""

GUARD = "_holdall_guard"
"""Where a document has something for a moment inside of a transaction, so that nobody else changes it meanwhile."""

TOKEN = "_holdall_token"  # noqa: S105
"""The field that names the last change of a document, where a change was told to be repeatable."""

_LONGEST_NAME = 120  # with the database's name and an index's, MongoDB's own bound of 255 bytes is far


class Place(msgspec.Struct, frozen=True):
    """Where one field lies: its path in the document, and how its values are kept."""

    field: FieldSchema
    path: str
    codec: Codec
    options: MongoCollection

    @property
    def is_array(self) -> bool:
        """Whether an array may lie here, which MongoDB's comparisons would look into."""
        return self.field.kind in (Kind.JSON, Kind.MANY)


class Layout(msgspec.Struct, frozen=True):
    """One collection: its schema, its name in the database, its fields' places, and how its key is kept."""

    schema: Schema
    collection: str
    places: Mapping[str, Place]
    key: Codec

    def path(self, name: str) -> str:
        """The document path of a field."""
        return self.places[name].path


def is_safe_name(name: str) -> bool:
    """Whether MongoDB takes a name for that of a field, and neither for an operator nor for a path.

    >>> is_safe_name("title"), is_safe_name("$set"), is_safe_name("address.city")
    (True, False, False)
    """
    return bool(name) and name[0] != "$" and "." not in name and "\0" not in name and len(name) <= _LONGEST_NAME


class Layouts:
    """The layouts of the bound collections."""

    def __init__(self, store: str, options: Mapping[str, MongoCollection]) -> None:
        self._store = store
        self._options = options
        self.schemas: dict[str, Schema] = {}
        self._found: dict[str, Layout] = {}

    @property
    def has_native_dates(self) -> bool:
        """Whether any collection keeps datetimes as BSON dates, which have milliseconds."""
        return any(options.native_dates for options in self._options.values())

    @property
    def moment_step(self) -> int:
        """How many microseconds lie between the moments that every collection can keep."""
        return 1_000 if self.has_native_dates else 1

    def bind(self, schema: Schema) -> None:
        """Learn a collection. Raises Unsupported for names that MongoDB reserves or might read as something else."""
        options = self._options.get(schema.name, MongoCollection())
        name = options.name or schema.stored_name
        self._demand_name("collections", name)
        if name.startswith("system.") or name in (COUNTERS, SESSIONS):
            raise Unsupported(self._store, f"a collection named {name}", "the name is taken; choose another")
        for other in self._found.values():
            if other.collection == name and other.schema.name != schema.name:
                raise DeclarationError(
                    f"store {self._store!r}: {other.schema.name} and {schema.name} both lie in {name}"
                )
        codecs = {field.name: codec_of(field, options) for field in schema.stored}
        places = {}
        for field in schema.stored:
            path = field.column
            self._demand_name("fields", path)
            if path == TOKEN or (path == "_id" and schema.key != (field.name,)):
                raise Unsupported(self._store, f"a field named {path}", "the name is taken; choose another")
            if field.columns and schema.key == (field.name,) and path != "_id":
                raise Unsupported(
                    self._store, f"a key stored as {path}", f"{schema.name}.{field.name} is stored as _id"
                )
            if field.name in schema.key:
                path = "_id" if len(schema.key) == 1 else f"_id.{path}"
            places[field.name] = Place(field, path, codecs[field.name], options)
        parts = [codecs[name] for name in schema.key]
        key = (
            parts[0]
            if len(parts) == 1
            else key_document(tuple([schema.by_name[part].column for part in schema.key]), parts)
        )
        self.schemas[schema.name] = schema
        self._found[schema.name] = Layout(schema, name, places, key)

    def demand_options(self) -> None:
        """Raise DeclarationError for an option of a collection that is not bound."""
        unknown = sorted(self._options.keys() - self._found.keys())
        if unknown:
            raise DeclarationError(
                f"store {self._store!r} has options for {', '.join(unknown)}, which it does not keep"
            )

    def all(self) -> list[Layout]:
        """Every layout."""
        return list(self._found.values())

    def own(self) -> list[Layout]:
        """The layouts of collections that are not declared to be only read."""
        return [layout for layout in self._found.values() if not layout.schema.is_read_only]

    def of(self, collection: str) -> Layout:
        """The layout of this collection; raises QueryError if it is not bound."""
        try:
            return self._found[collection]
        except KeyError:
            raise QueryError(f"no collection {collection!r} is bound to this store") from None

    def target(self, field: FieldSchema) -> Layout:
        """The layout of the collection that a Ref or Many leads to."""
        return self.of(str(field.target))

    def _demand_name(self, what: str, name: str) -> None:
        if not is_safe_name(name.replace(".", "") if what == "collections" else name) or len(name) > _LONGEST_NAME:
            raise Unsupported(self._store, f"{what} named {name[:_LONGEST_NAME]!r}", "rename it")
