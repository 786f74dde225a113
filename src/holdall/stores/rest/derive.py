"""A collection's declaration from an OpenAPI document: facts of the document are taken, open ones are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.stores.rest.bodies import FORM
from holdall.stores.rest.call import KEY, Call
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.document import Document, Node, is_list, is_of
from holdall.stores.rest.list_parameters import ListParameters, places_of
from holdall.stores.rest.merging import MERGE_PATCH
from holdall.stores.rest.places import place_of
from holdall.stores.rest.versions import ETags, TaggedVersion, Versions
from holdall.stores.rest.vocabulary import ITEMS, LISTS, TOTAL_HEADERS, TOTALS, plain

__all__ = ["Renamed", "derived", "from_openapi", "record_of"]

_SAID_OTHERWISE = frozenset({"accept", "content-type", "authorization"})  # parameters that OpenAPI has ignored


def from_openapi(document: Mapping[str, object] | str | Path, path: str, **declared: object) -> RestCollection:
    """Derive the collection at this path from an OpenAPI document, 3.x or Swagger 2: a dictionary or a file of JSON or
    YAML.

    ``path`` is the list's or the single record's. ``declared`` are fields of ``RestCollection`` that are known better,
    or that the document leaves open. Raises DeclarationError, saying what to declare, where it leaves too much open.

    >>> book = {"type": "object", "properties": {"id": {"type": "integer"}, "title": {"type": "string"}}}
    >>> answer = {"200": {"description": "", "content": {"application/json": {"schema": book}}}}
    >>> listed = {"type": "array", "items": book}
    >>> many = {"get": {"responses": {"200": {"content": {"application/json": {"schema": listed}}}}}}
    >>> path = {"get": {"responses": answer}, "parameters": [{"name": "id", "in": "path", "required": True}]}
    >>> paths = {"/books/{id}": path, "/books": many}
    >>> document = {"openapi": "3.1.0", "info": {"title": "Books", "version": "1"}, "paths": paths}
    >>> collection = from_openapi(document, "/books")
    >>> collection.path, collection.add
    ('/books/{key}', None)
    """
    return derived(document if isinstance(document, Document) else Document(document), path, **declared)


def derived(document: Document, path: str, **declared: object) -> RestCollection:
    """As ``from_openapi``, of a document that was read already."""
    item_path = next((each for each in document.resources() if path in (each, document.list_path(each))), None)
    if item_path is None:
        known = ", ".join(sorted(document.resources())) or "none"
        raise DeclarationError(f"the document has no list with single records at {path}; it has: {known}")
    made = _Derivation(document, item_path, declared).fields()
    return RestCollection(**{**made, **declared})


def record_of(document: Document, path: str) -> tuple[dict[str, Node], frozenset[str]]:
    """The properties of a record in the resource at this path, and those that every answer has, with a value."""
    found = _Derivation(document, path, {})
    return found.record, frozenset(document.required(found.schema))


class Renamed(msgspec.Struct, frozen=True):
    """A payload whose members have other names than those of the answers.

    >>> Renamed({"name": "Name"})({"name": "Ada", "age": 36})
    {'Name': 'Ada', 'age': 36}
    """

    names: Mapping[str, str]

    def __call__(self, payload: dict[str, Value]) -> dict[str, Value]:
        """The payload with its names as they are taken."""
        return {self.names.get(name, name): value for name, value in payload.items()}


class _Derivation:
    """One collection being read off the document."""

    def __init__(self, document: Document, path: str, declared: Mapping[str, Any]) -> None:
        self._document = document
        self._item = path
        self._key = document.key_place(path)
        self._list = document.list_path(path)
        self._declared = declared
        self._listing = document.operation(self._list, "get") or {"parameters": []}
        one = document.operation(path, "get")
        self._one, self._headers = document.answer(one) if one is not None else (None, {})
        self._item_at = self._place_of_item()
        self._record = document.properties(self.schema)
        self._parameters = ListParameters(document, self._list, self._listing, self._record)

    def fields(self) -> dict[str, Any]:
        """The fields of the declaration."""
        paging = None if "paging" in self._declared else self._parameters.paging()
        found: dict[str, Any] = {
            "path": f"{{{KEY}}}".join(self._item.rsplit(f"{{{self._key}}}", 1)),
            "list_path": self._list,
            **self._list_places(),
            "item_at": self._item_at,
            "paging": paging,
            "filters": self._parameters.filters(),
            "sort": self._parameters.sorting(),
            "version": self._version(),
            **self._written(),
            **self._calls(self._parameters.filled(self._declared.get("paging", paging))),
        }
        if self._document.is_holdall:
            found |= {"fields": "fields", "is_unique": True, "has_references": True}
        return found

    # --- verbs --------------------------------------------------------------------------------------------------------

    def _calls(self, filled: set[str]) -> dict[str, Call | None]:
        return {
            "get": self._call("get", (self._item, "get", "")),
            "list": self._call("list", (self._list, "get", ""), filled=filled),
            "add": self._call("add", (self._list, "post", ""), (self._item, "put", "PUT")),
            "update": self._call(
                "update", (self._item, "patch", ""), (self._item, "put", "PUT"), (self._item, "post", "POST")
            ),
            "remove": self._call("remove", (self._item, "delete", "")),
        }

    def _call(self, verb: str, *ways: tuple[str, str, str], filled: set[str] | None = None) -> Call | None:
        if verb in self._declared:
            return None
        for path, method, given in ways:
            operation = self._document.operation(path, method)
            if operation is None:
                continue
            sent, media_types = self._document.body(operation)
            if method == "post" and verb == "update" and not self._takes_fields(sent or {}):
                continue  # it does something else
            media_type = self._media_type(media_types, merges=method == "patch")
            if media_type is None and method == "patch":
                continue  # a JSON patch, for example; a PUT may do
            self._demand_nothing_else(verb, operation, filled or set())
            if media_type is None:
                told = ", ".join(media_types)
                raise DeclarationError(f"{self._list}: {verb} takes {told}, which is not sent; declare {verb}=")
            is_keyed = any(_is_header(each, "idempotency-key") for each in operation["parameters"])
            wanted = self._document.wanted_type(operation)
            return Call(
                method=given,
                headers={"Accept": wanted} if wanted else {},
                media_type=media_type,
                idempotency_key="Idempotency-Key" if is_keyed else "",
                payload=self._renamed(sent) if sent else None,
            )
        return None

    def _takes_fields(self, sent: Node) -> bool:
        """Whether something of a record is sent."""
        return not {plain(name) for name in self._accepted(sent)[0]}.isdisjoint(map(plain, self._record))

    def _media_type(self, told: list[str], *, merges: bool) -> str | None:
        """The one to send: a merge patch where it is taken, JSON, a form; None where none of them is."""
        kinds = {each.partition(";")[0].strip().lower(): each for each in told}
        if merges and MERGE_PATCH in kinds:
            return MERGE_PATCH
        if not told or kinds.keys() & {"application/json", "*/*", "application/*", "text/json"}:
            return "application/json"
        if merges and all("patch" in kind for kind in kinds):
            return None
        return next((each for kind, each in kinds.items() if kind.endswith("+json")), None) or kinds.get(FORM)

    def _renamed(self, sent: Node) -> Renamed | None:
        """How the names of answers become those of payloads, where the document has them spelled otherwise."""
        accepted, _ = self._accepted(sent)
        if not accepted or not self._record or accepted.keys() & self._record.keys():
            return None
        spelled = {plain(name): name for name in accepted}
        names = {name: spelled[plain(name)] for name in self._record if plain(name) in spelled}
        if not names:
            shown = next(iter(accepted))
            raise DeclarationError(
                f"{self._list}: payloads have other names, such as {shown!r}, than what comes back; declare"
                " add=Call(payload=…) and update=Call(payload=…), or None"
            )
        return Renamed(names)

    def _demand_nothing_else(self, verb: str, operation: Node, filled: set[str]) -> None:
        for each in operation["parameters"]:
            place, name = each["in"], each["name"]
            known = (place == "path" and name == self._key) or (place == "query" and name in filled)
            known |= place == "path" and name in {*self._declared.get("in_path", ()), *self._record}
            known |= place == "header" and name.lower() in _SAID_OTHERWISE
            if each.get("required") and not known and place in ("path", "query", "header"):
                kind = {"path": "parameters", "query": "query"}.get(place, "headers")
                field = f", or in_path={{{name!r}}} for a field of that name" if place == "path" else ""
                raise DeclarationError(
                    f"{self._list}: {verb} demands {name!r}; declare {verb}=Call({kind}={{{name!r}: …}}){field}"
                )

    # --- answers ------------------------------------------------------------------------------------------------------

    def _place_of_item(self) -> str:
        properties = self._document.properties(self._one or {})
        if len(properties) == 1 or "id" not in properties:
            for name, schema in properties.items():
                if (name in ITEMS or len(properties) == 1) and self._document.properties(schema):
                    return place_of(name)
        return ""

    @property
    def record(self) -> dict[str, Node]:
        """The properties of a record."""
        return self._record

    @property
    def schema(self) -> Node:
        """The schema of a record."""
        for name, schema in self._document.properties(self._one or {}).items():
            if self._item_at and place_of(name) == self._item_at:
                return schema
        return self._one or {}

    def _list_places(self) -> dict[str, str]:
        if {"list_at", "unwrap"} & self._declared.keys() or self._declared.get("list", "") is None:
            return {}
        schema, headers = self._document.answer(self._listing)
        total_header = next((name for name in headers if name.lower() in map(str.lower, TOTAL_HEADERS)), "")
        if schema is not None and is_list(schema):
            return {"total_header": total_header}
        places = places_of(self._document, schema or {})
        arrays = [place for place, each in places if is_list(each)]
        named = [place for place in arrays if place[-1] in (*LISTS, self._last_word())]
        outer = [place for place in named if len(place) == 1]
        found = [each for each in (named, outer, arrays) if len(each) == 1]
        if not found:
            raise DeclarationError(
                f"{self._list}: the document does not say where in the answer the list is; declare list_at="
            )
        return {
            "list_at": place_of(*found[0][0]),
            "total_header": total_header,
            **({} if total_header else self._total_place(places)),
        }

    def _total_place(self, places: list[tuple[tuple[str, ...], Node]]) -> dict[str, str]:
        totals = [place for place, each in places if is_of(each, "integer") and place[-1] in TOTALS]
        if totals:
            return {"total_at": place_of(*min(totals, key=lambda place: TOTALS.index(place[-1])))}
        names = {place[0] for place, _ in places if len(place) == 1}
        # elsewhere a count may be that of the page alone
        return {"total_at": "count"} if {"count", "next", "previous", "results"} <= names else {}

    def _last_word(self) -> str:
        return self._list.rstrip("/").rpartition("/")[2].partition(".")[0]

    # --- writes -------------------------------------------------------------------------------------------------------

    def _version(self) -> Versions | None:
        checks = False
        for method in ("patch", "put", "delete"):
            operation = self._document.operation(self._item, method) or {"parameters": []}
            checks |= any(_is_header(each, "if-match") for each in operation["parameters"])
        if not checks or not any(name.lower() == "etag" for name in self._headers):
            return None
        return TaggedVersion() if self._document.is_holdall else ETags()

    def _written(self) -> dict[str, object]:
        """Return the fields that are never sent, and the party that makes the keys."""
        record = self._record
        read_only = {name for name, schema in record.items() if schema.get("readOnly")}
        creation = self._document.operation(self._list, "post")
        if creation is None:
            return {"read_only": frozenset(read_only)}
        sent, _ = self._document.body(creation)
        accepted, wrap = self._accepted(sent or {})
        spelled = {plain(name) for name in accepted}
        if accepted.keys() & record.keys():
            read_only |= record.keys() - accepted.keys()
        elif spelled:
            read_only |= {name for name in record if plain(name) not in spelled}
        key = next((name for name in record if plain(name) == plain(self._key)), "id")
        makes = key in read_only if key in record else False
        return {"read_only": frozenset(read_only), "keys": "server" if makes else "client", "wrap": wrap}

    def _accepted(self, sent: Node) -> tuple[dict[str, Node], str]:
        """The properties that are taken, and the name under which they are sent."""
        accepted = self._document.properties(sent)
        if len(accepted) == 1:
            ((name, schema),) = accepted.items()
            inner = self._document.properties(schema)
            if inner and name not in self._record:
                return inner, name
        return accepted, ""


def _is_header(parameter: Node, name: str) -> bool:
    return bool(parameter["in"] == "header" and parameter["name"].lower() == name)
