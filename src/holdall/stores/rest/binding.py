"""A declared collection bound to a model's schema: paths, codecs and capabilities, all made once."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from holdall.errors import DeclarationError, Unsupported
from holdall.query import Generated, Key, Kind, Op, Schema, Value
from holdall.store import Capabilities, CommitClass, Feature, Limits, Row, Verb, demand_schema, demand_whole_fields
from holdall.stores.rest.call import KEY, Call, PathTemplate
from holdall.stores.rest.codec import RecordCodec, field_type
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.header_text import header_fault
from holdall.stores.rest.merging import MERGE_PATCH
from holdall.stores.rest.paging import Cursor, LastRecord
from holdall.stores.rest.parents import Parents
from holdall.stores.rest.plan import Planner
from holdall.stores.rest.spelling import Spelling
from holdall.stores.rest.versions import BodyVersion, ETags, TaggedVersion, version_of_content

__all__ = ["AS_IT_IS", "MADE", "VERBS", "Binding", "BoundCall", "above", "capabilities_of", "united"]

AS_IT_IS = {"Accept-Encoding": "identity"}
"""Asks for an answer that nothing on the way packs, which would make its tag a weak one."""

_ORDERS = frozenset({Op.GE, Op.LE})
MADE = frozenset({Kind.INT, Kind.STR, Kind.UUID})  # keys that servers make


def capabilities_of(collection: RestCollection, commit: CommitClass, concurrent: int) -> Capabilities:
    """Return the capabilities that the declaration of the collection gives."""
    filters, scans = collection.filters, collection.scan_limit is not None
    lists = collection.list.path or collection.list_path or above(collection.path) if collection.list else ""
    is_nested = "{" in lists
    features = {Feature.PROJECTION, Feature.COMPOSITE_KEYS, Feature.STORED_MANY}
    operators: frozenset[Op] = frozenset()
    if filters is not None or scans:
        features.add(Feature.FILTER)
        operators = frozenset(Op) if scans or filters is None else _operators(collection)
    if is_nested:
        features.add(Feature.FILTER)
        operators |= {Op.EQ, Op.IN}
    if collection.sort is not None or scans:
        features |= {Feature.SORT, Feature.OFFSET}
    if collection.order:
        features.add(Feature.OFFSET)
    spells = filters is not None and (filters.spell is not None or filters.operators.keys() >= _ORDERS)
    if scans or (collection.sort is not None and spells):
        features.add(Feature.KEYSET)
    if scans:
        features.add(Feature.EXPRESSIONS)
    if collection.keys == "server":
        features.add(Feature.GENERATED_KEYS)
    if collection.version is not None:
        features.add(Feature.VERSIONS)
    if collection.is_unique:
        features.add(Feature.UNIQUE)
    if collection.has_references:
        features.add(Feature.FOREIGN_KEYS)
    limits = Limits(concurrent_changes=concurrent)
    return Capabilities(commit, frozenset(features), operators, frozenset(Kind), limits, MADE)


def united(each: list[Capabilities], commit: CommitClass, concurrent: int) -> Capabilities:
    """Return the capabilities that at least one of the collections has; others are refused when they are asked for."""
    return Capabilities(
        commit,
        frozenset().union(*(one.features for one in each)),
        frozenset().union(*(one.operators for one in each)),
        frozenset(Kind),
        Limits(concurrent_changes=concurrent),
        MADE,
    )


class Binding:
    """One collection, ready for use. Raises DeclarationError for a declaration that cannot work."""

    def __init__(self, store: str, schema: Schema, collection: RestCollection, capabilities: Capabilities) -> None:
        demand_schema(store, capabilities, schema)
        demand_whole_fields(store, schema)
        self.store = store
        self.schema = schema
        self.collection = collection
        self.capabilities = capabilities
        self._refuse(schema, collection)
        version = schema.version
        self.version = collection.version if version is not None else None
        self.version_place = schema.positions[version] if version is not None else -1
        is_tagged = isinstance(self.version, ETags)
        absent = frozenset({version}) if is_tagged and version is not None else frozenset[str]()
        absent |= collection.in_path
        self.codec = RecordCodec(schema, collection.names, absent)
        self.key_type = field_type(schema.by_name[schema.key[0]])
        self.unsent = collection.read_only | absent
        if version is not None and not (isinstance(self.version, BodyVersion) and self.version.is_sent):
            self.unsent |= {version}
        spelling = Spelling(schema, collection.filters, collection.sort, collection.order, self.codec.places)
        self.spelling = spelling
        self.calls = {name: self._call(name) for name in ("get", "list", "add", "update", "remove")}
        listing = self.calls["list"]
        self.parents = Parents(store, schema.name, listing.template.open_names if listing is not None else ())
        self.planner = Planner(store, schema, collection, spelling, self.parents)

    def path(self, template: PathTemplate, values: Mapping[str, Value]) -> str:
        """The template filled."""
        return template.fill(self.store, values)

    def demand_path(self, key: Key) -> None:
        """Raise StoreError for a key whose record no path would lead to."""
        call = self.calls["get"]
        if call is not None:
            self.path(call.template, self.key_values(key))

    def key_values(self, key: Key) -> dict[str, Value]:
        """The key's fields by name, and the whole of it as ``key``."""
        names = self.schema.key
        parts = dict(zip(names, key, strict=True)) if len(names) > 1 else {names[0]: key}
        return {KEY: key, **parts}

    def filled(self, row: Row, values: Mapping[str, Value]) -> Row:
        """The row with the values that only its path has."""
        if not self.collection.in_path:
            return row
        whole = list(row)
        for name in self.collection.in_path & values.keys():
            whole[self.schema.positions[name]] = values[name]
        return tuple(whole)

    def versioned(self, row: Row) -> Row:
        """The row with the version made from its content, where tags are all the API has."""
        if not isinstance(self.version, ETags):
            return row
        place = self.version_place
        return (*row[:place], version_of_content(row), *row[place + 1 :])

    def call(self, verb: str) -> BoundCall:
        """How the verb is called. Raises Unsupported where the API cannot do it."""
        found = self.calls[verb]
        if found is None:
            raise Unsupported(self.store, f"{verb} of {self.schema.name}", f"the collection declares {verb}=None")
        return found

    def _call(self, verb: str) -> BoundCall | None:
        collection = self.collection
        call: Call | None = getattr(collection, verb)
        if call is None:
            return None
        method = call.method.upper() or _METHODS[verb]
        if method not in _ALLOWED[verb]:
            allowed = ", ".join(sorted(_ALLOWED[verb]))
            raise DeclarationError(f"{self.schema.name}: {verb} is called by {allowed}, not by {method}")
        is_list = verb == "list" or (verb == "add" and method == "POST")
        usual = collection.list_path or above(collection.path)
        template = PathTemplate(call.path or (usual if is_list else collection.path), call.parameters)
        known = set(self.schema.by_name if verb == "add" else self.schema.key) | {KEY}
        known = set(self.schema.positions) if verb == "list" else known
        for name in template.open_names:
            if name not in known:
                part = "no field" if verb == "list" else "no field of the key"
                raise DeclarationError(
                    f"{self.schema.name}: {{{name}}} in the path of {verb} is {part}; give it a value"
                    f" with Call(parameters={{{name!r}: …}}), or name a field"
                )
        headers = {"Content-Type": call.media_type, **call.headers} if method not in ("GET", "DELETE") else call.headers
        named = {call.idempotency_key: ""} if call.idempotency_key else {}
        if fault := header_fault([*headers.items(), *named.items()]):
            raise DeclarationError(f"{self.schema.name}: {verb}: {fault}")
        if verb == "get" and isinstance(self.version, ETags | TaggedVersion):
            headers = {**AS_IT_IS, **headers}
        return BoundCall(verb, method, template, call, f"{method} {self.schema.name}", headers or None)

    def _refuse(self, schema: Schema, collection: RestCollection) -> None:
        unknown = {*collection.names, *collection.order, *collection.in_path} - schema.positions.keys()
        if unknown:
            raise DeclarationError(f"{schema.name} has no stored field {min(unknown)!r}, which its collection names")
        if isinstance(collection.paging, LastRecord) and collection.paging.field not in ("", *schema.positions):
            raise DeclarationError(
                f"{schema.name} has no stored field {collection.paging.field!r}, which paging= names"
            )
        key = schema.by_name[schema.key[0]]
        is_made = key.generated is not Generated.NO and collection.keys == "server"
        if key.generated is Generated.STORE and collection.keys == "client":
            raise Unsupported(self.store, Feature.GENERATED_KEYS, f'{schema.name} needs it; declare keys="server"')
        if not is_made and collection.read_only & {*schema.key}:
            raise Unsupported(
                self.store,
                f"keys of {schema.name} made by us",
                "its API makes them: declare the key generated=True",
            )
        header = collection.version.header if isinstance(collection.version, BodyVersion) else ""
        if header and (fault := header_fault([(header, "")])):
            raise DeclarationError(f"{schema.name}: version: {fault}")
        if isinstance(collection.paging, Cursor) and collection.unwrap is not None:
            raise DeclarationError(f"{schema.name}: unwrap would hide the cursor; give list_at instead")
        if collection.unwrap is not None and (collection.total_at or collection.list_at or collection.item_at):
            raise DeclarationError(f"{schema.name}: give unwrap, or the places in the JSON, not both")


class BoundCall(msgspec.Struct, frozen=True):
    """A verb with its method, its path and its declaration."""

    verb: str
    method: str
    template: PathTemplate
    declared: Call
    place: str  # what messages call it
    headers: Mapping[str, str] | None

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent twice without doing more than once."""
        declared = self.declared
        return self.method in ("GET", "PUT", "DELETE") or bool(declared.idempotency_key) or declared.is_repeatable

    @property
    def is_merging(self) -> bool:
        """Whether objects in the body are merged into those that are there (RFC 7396)."""
        return self.declared.media_type.partition(";")[0].strip().lower() == MERGE_PATCH


_METHODS = {"get": "GET", "list": "GET", "add": "POST", "update": "PATCH", "remove": "DELETE"}
_ALLOWED = {
    "get": {"GET"},
    "list": {"GET"},
    "add": {"POST", "PUT"},
    "update": {"PATCH", "PUT", "POST"},
    "remove": {"DELETE", "POST"},
}
_LAST = re.compile(r"(.*)/\{\w+\}([^/{}]*/?)")
VERBS = {Verb.ADD: "add", Verb.UPDATE: "update", Verb.REMOVE: "remove"}


def above(path: str) -> str:
    """The path of a list, by that of a record; what follows the key, a slash or ``.json``, follows the list, too."""
    found = _LAST.fullmatch(path)
    return "".join(found.groups()) or "/" if found else path.rstrip("/").rpartition("/")[0] or "/"


def _operators(collection: RestCollection) -> frozenset[Op]:
    filters = collection.filters
    assert filters is not None
    if filters.spell is not None:
        return filters.spelled
    known = frozenset(filters.operators)
    return known | {Op.BETWEEN} if known >= _ORDERS else known
