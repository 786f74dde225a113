"""Where the fields of a collection lie in its documents: names that are safe, the key as ``_id``, a codec for each."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import DeclarationError, QueryError, Unsupported
from holdall.query import FieldSchema, Kind, Schema
from holdall.stores.mongo.codec import Codec, codec_of, key_document

__all__ = ["COUNTERS", "SESSIONS", "TOKEN", "Layout", "Layouts", "MongoCollection", "Place"]

COUNTERS = "holdall_counter"
"""The collection that counts generated keys."""

SESSIONS = "holdall_session"
"""The collection that tells whose the server's sessions are."""

TOKEN = "_holdall_token"  # noqa: S105
"""The field that names the last change of a document, where a change was told to be repeatable."""

_LONGEST_NAME = 120  # with the database's name and an index's, MongoDB's own bound of 255 bytes is far


class MongoCollection(msgspec.Struct, frozen=True):
    """How one collection is kept.

    ``name`` is its name in the database, by default the model's. With ``native_dates`` datetimes are BSON dates, which
    other programs and TTL indexes understand; values with microseconds are then refused. Without it they are text.

    >>> from holdall.stores.mongo import open_mongo
    >>> collections = {"book": MongoCollection(name="books", native_dates=True)}
    >>> store = open_mongo("main", "mongodb://127.0.0.1:27017/library", collections=collections)
    """

    name: str = ""
    native_dates: bool = False


class Place(msgspec.Struct, frozen=True):
    """Where one field lies: its path in the document, and how its values are kept."""

    field: FieldSchema
    path: str
    codec: Codec
    native_dates: bool

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

    def bind(self, schema: Schema) -> None:
        """Learn a collection. Raises Unsupported for names that MongoDB reserves or might read as something else."""
        options = self._options.get(schema.name, MongoCollection())
        name = options.name or schema.name
        self._demand_name("collections", name)
        if name.startswith("system.") or name in (COUNTERS, SESSIONS):
            raise Unsupported(self._store, f"a collection named {name}", "the name is taken; choose another")
        for other in self._found.values():
            if other.collection == name and other.schema.name != schema.name:
                raise DeclarationError(
                    f"store {self._store!r}: {other.schema.name} and {schema.name} both lie in {name}"
                )
        codecs = {field.name: codec_of(field, native_dates=options.native_dates) for field in schema.stored}
        places = {}
        for field in schema.stored:
            self._demand_name("fields", field.name)
            if field.name == TOKEN or (field.name == "_id" and schema.key != ("_id",)):
                raise Unsupported(self._store, f"a field named {field.name}", "the name is taken; choose another")
            path = field.name
            if field.name in schema.key:
                path = "_id" if len(schema.key) == 1 else f"_id.{field.name}"
            places[field.name] = Place(field, path, codecs[field.name], options.native_dates)
        parts = [codecs[name] for name in schema.key]
        key = parts[0] if len(parts) == 1 else key_document(schema.key, parts)
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
        if not name or name[0] == "$" or "." in name or "\0" in name or len(name) > _LONGEST_NAME:
            raise Unsupported(self._store, f"{what} named {name[:_LONGEST_NAME]!r}", "rename it")
