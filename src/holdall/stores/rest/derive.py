"""A collection's declaration from an OpenAPI document: what it tells is taken, what it leaves open is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdall.errors import DeclarationError
from holdall.query import Op
from holdall.stores.rest.call import KEY, Call
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.document import Document, Node
from holdall.stores.rest.filters import Filters, Sorting
from holdall.stores.rest.paging import Cursor, LinkHeader, Offset, PageSize, Paging
from holdall.stores.rest.versions import BodyVersion, ETags, Versions
from holdall.stores.rest.vocabulary import (
    CURSORS,
    ITEMS,
    LISTS,
    NEXTS,
    OFFSETS,
    PAGES,
    SIZES,
    SORTS,
    SUFFIXED,
    SUFFIXES,
    TOTAL_HEADERS,
    TOTALS,
)

__all__ = ["derived", "from_openapi"]

_MERGE_PATCH = "application/merge-patch+json"


def from_openapi(document: Mapping[str, Any] | str | Path, path: str, **declared: Any) -> RestCollection:
    """The collection at this path of an OpenAPI 3.x document, a dictionary or a file of JSON or YAML.

    ``path`` is the list's or the single record's. ``declared`` are fields of ``RestCollection`` that are known better,
    or that the document leaves open. Raises DeclarationError, saying what to declare, where it leaves too much open.
    """
    return derived(document if isinstance(document, Document) else Document(document), path, **declared)


def derived(document: Document, path: str, **declared: Any) -> RestCollection:
    """As ``from_openapi``, of a document that was read already."""
    item_path = next((each for each in document.resources() if path in (each, document.list_path(each))), None)
    if item_path is None:
        known = ", ".join(sorted(document.resources())) or "none"
        raise DeclarationError(f"the document has no list with single records at {path}; it has: {known}")
    made = _Derivation(document, item_path, declared).fields()
    return RestCollection(**{**made, **declared})


class _Derivation:
    """One collection being read off the document."""

    def __init__(self, document: Document, path: str, declared: Mapping[str, Any]) -> None:
        self._document = document
        self._item = path
        self._list = document.list_path(path)
        self._declared = declared
        self._listing = document.operation(self._list, "get") or {}
        self._parameters = {
            each["name"]: each for each in self._listing.get("parameters", ()) if each.get("in") == "query"
        }
        one = document.operation(path, "get")
        self._one, self._headers = document.answer(one) if one is not None else (None, {})
        self._places = self._list_places()

    def fields(self) -> dict[str, Any]:
        """The fields of the declaration."""
        found: dict[str, Any] = {
            "path": f"{self._list.rstrip('/')}/{{{KEY}}}",
            "list_path": self._list,
            **self._calls(),
            **self._places,
            "item_at": self._item_at(),
            "paging": self._paging(),
            "filters": self._filters(),
            "sort": self._sorting(),
            "version": self._version(),
            **self._written(),
        }
        if self._document.is_holdall:
            found |= {"fields": "fields", "is_unique": True, "has_references": True}
        return found

    # --- verbs --------------------------------------------------------------------------------------------------------

    def _calls(self) -> dict[str, Call | None]:
        return {
            "get": self._call("get", (self._item, "get", "")),
            "list": self._call("list", (self._list, "get", "")),
            "add": self._call("add", (self._list, "post", ""), (self._item, "put", "PUT")),
            "update": self._call("update", (self._item, "patch", ""), (self._item, "put", "PUT")),
            "remove": self._call("remove", (self._item, "delete", "")),
        }

    def _call(self, verb: str, *ways: tuple[str, str, str]) -> Call | None:
        if verb in self._declared:
            return None
        for path, method, given in ways:
            operation = self._document.operation(path, method)
            if operation is not None:
                self._demand_nothing_else(verb, operation)
                _, media_types = self._document.body(operation)
                merges = method == "patch" and _MERGE_PATCH in media_types
                is_keyed = any(_is_header(each, "idempotency-key") for each in operation["parameters"])
                return Call(
                    method=given,
                    media_type=_MERGE_PATCH if merges else "application/json",
                    idempotency_key="Idempotency-Key" if is_keyed else "",
                )
        return None

    def _demand_nothing_else(self, verb: str, operation: Node) -> None:
        for each in operation["parameters"]:
            place, name = each.get("in"), each.get("name")
            known = place == "path" and f"{{{name}}}" == self._item.rstrip("/").rpartition("/")[2]
            handled = {*PAGES, *SIZES, *OFFSETS} if verb == "list" else set()
            if each.get("required") and not known and name not in handled and place in ("path", "query", "header"):
                kind = {"path": "parameters", "query": "query"}.get(place, "headers")
                raise DeclarationError(
                    f"{self._list}: {verb} demands {name!r}; declare {verb}=Call({kind}={{{name!r}: …}})"
                )

    # --- answers ------------------------------------------------------------------------------------------------------

    def _item_at(self) -> str:
        properties = self._document.properties(self._one or {})
        if len(properties) == 1 or "id" not in properties:
            for name, schema in properties.items():
                if (name in ITEMS or len(properties) == 1) and self._document.properties(schema):
                    return name
        return ""

    def _list_places(self) -> dict[str, str]:
        if {"list_at", "unwrap"} & self._declared.keys() or not self._listing or self._declared.get("list", "") is None:
            return {}
        schema, headers = self._document.answer(self._listing)
        total_header = next((name for name in headers if name.lower() in map(str.lower, TOTAL_HEADERS)), "")
        if schema is not None and schema.get("type") == "array":
            return {"total_header": total_header}
        places = dict(self._walk(schema or {}, ()))
        arrays = [place for place, each in places.items() if each.get("type") == "array"]
        named = [
            place for place in arrays if place.rpartition(".")[2] in (*LISTS, self._list.rstrip("/").rpartition("/")[2])
        ]
        if len(named or arrays) != 1:
            raise DeclarationError(
                f"{self._list}: the document does not tell where in the answer the list is; declare list_at="
            )
        found = {"list_at": (named or arrays)[0], "total_header": total_header}
        totals = [place for place, each in places.items() if _is_of(each, "integer") and _last(place) in TOTALS]
        if totals and not total_header:
            found["total_at"] = min(totals, key=lambda place: TOTALS.index(_last(place)))
        return found

    def _walk(self, schema: Node, above: tuple[str, ...]) -> list[tuple[str, Node]]:
        """Every place of an answer's outer two levels with its schema."""
        found = []
        for name, each in self._document.properties(schema).items():
            found.append((".".join((*above, name)), each))
            if not above:
                found += self._walk(each, (name,))
        return found

    # --- lists --------------------------------------------------------------------------------------------------------

    def _paging(self) -> Paging | None:
        size = next((name for name in SIZES if name in self._parameters), "")
        most = self._most(size)
        page = next((name for name in PAGES if name in self._parameters), "")
        if page and size:
            first = self._document.schema(self._parameters[page].get("schema")).get("minimum", 1)
            return PageSize(page=page, size=size, most=most, first=first if first in (0, 1) else 1)
        offset = next((name for name in OFFSETS if name in self._parameters), "")
        if offset and size:
            return Offset(offset=offset, size=size, most=most)
        schema, headers = self._document.answer(self._listing)
        cursor = next((name for name in CURSORS if name in self._parameters), "")
        nexts = [
            (place, each)
            for place, each in self._walk(schema or {}, ())
            if _last(place) in NEXTS and _is_of(each, "string")
        ]
        if nexts and (cursor or _is_url(nexts[0][1])):
            place, each = nexts[0]
            return Cursor(next_at=place, cursor=cursor, size=size, most=most, is_url=not cursor or _is_url(each))
        if any(name.lower() == "link" for name in headers):
            return LinkHeader(size=size, most=most)
        if (page or offset or cursor) and "paging" not in self._declared:
            raise DeclarationError(f"{self._list}: the document does not tell how the list is paged; declare paging=")
        return None

    def _most(self, size: str) -> int:
        schema = self._document.schema(self._parameters[size].get("schema")) if size else {}
        most = schema.get("maximum", schema.get("default", 100))
        return most if isinstance(most, int) and 0 < most <= 10_000 else 100

    def _filters(self) -> Filters | None:
        names = self._record().keys()
        operators: dict[Op, str] = {}
        fields: dict[str, set[Op]] = {}
        is_joined = True
        for name, parameter in self._parameters.items():
            field, op, template = _spelled(name, names)
            if op is None or operators.setdefault(op, template) != template:
                continue
            fields.setdefault(field, set()).add(op)
            if op in (Op.IN, Op.NOT_IN):
                is_joined = parameter.get("explode", True) is False
        if not operators:
            return None
        ours = self._document.is_holdall
        known = {field: frozenset(each) for field, each in fields.items()}
        return Filters(
            operators=operators,
            fields=known,
            separator="," if is_joined else "",
            escape="\\" if ours else "",
            is_exact=ours,
        )

    def _sorting(self) -> Sorting | None:
        name = next((name for name in SORTS if name in self._parameters), "")
        schema = self._document.schema(self._parameters[name].get("schema")) if name else {}
        if self._document.is_holdall and name:
            sortable = {field for field, each in self._record().items() if not _is_of(each, "array", "object")}
            return Sorting(parameter=name, fields=frozenset(sortable), most_keys=10, nulls="smallest")
        items = self._document.schema(schema.get("items")) if schema.get("type") == "array" else schema
        choices = {text for text in items.get("enum", ()) if isinstance(text, str)}
        fields = frozenset(text for text in choices if f"-{text}" in choices)
        if not fields:
            return None
        return Sorting(parameter=name, fields=fields, most_keys=10 if items is not schema else 1)

    # --- writes -------------------------------------------------------------------------------------------------------

    def _version(self) -> Versions | None:
        checks = False
        for method in ("patch", "put", "delete"):
            operation = self._document.operation(self._item, method) or {}
            checks |= any(_is_header(each, "if-match") for each in operation.get("parameters", ()))
        if not checks or not any(name.lower() == "etag" for name in self._headers):
            return None
        return BodyVersion() if self._document.is_holdall else ETags()

    def _written(self) -> dict[str, Any]:
        """What is never sent, and who makes the keys."""
        record = self._record()
        read_only = {name for name, schema in record.items() if schema.get("readOnly")}
        creation = self._document.operation(self._list, "post")
        if creation is None:
            return {"read_only": frozenset(read_only)}
        sent, _ = self._document.body(creation)
        accepted, wrap = self._document.properties(sent or {}), ""
        if len(accepted) == 1:
            ((name, schema),) = accepted.items()
            inner = self._document.properties(schema)
            accepted, wrap = (inner, name) if inner and name not in record else (accepted, "")
        if accepted.keys() & record.keys():
            read_only |= record.keys() - accepted.keys()
        place = self._item.rstrip("/").rpartition("/")[2].strip("{}")
        key = place if place in record else "id"
        makes = key in read_only if key in record else False
        return {"read_only": frozenset(read_only), "keys": "server" if makes else "client", "wrap": wrap}

    def _record(self) -> dict[str, Node]:
        """The properties of a record."""
        schema, place = self._one or {}, self._item_at()
        properties = self._document.properties(schema)
        return self._document.properties(properties[place]) if place else properties


def _last(place: str) -> str:
    return place.rpartition(".")[2]


def _is_of(schema: Node, *types: str) -> bool:
    found = schema.get("type")
    return bool(set(found if isinstance(found, list) else [found]) & set(types))


def _is_url(schema: Node) -> bool:
    return schema.get("format") in ("uri", "url", "uri-reference")


def _is_header(parameter: Node, name: str) -> bool:
    return parameter.get("in") == "header" and str(parameter.get("name", "")).lower() == name


def _spelled(name: str, fields: Any) -> tuple[str, Op | None, str]:
    """The field and the operator that a parameter's name says, and the template it follows."""
    if name in fields:
        return name, Op.EQ, "{field}"
    match = SUFFIXED.fullmatch(name)
    if match is None or match["field"] not in fields:
        return "", None, ""
    suffix = match["plain"] or match["bracketed"]
    template = f"{{field}}__{suffix}" if match["plain"] else f"{{field}}[{suffix}]"
    return match["field"], SUFFIXES.get(suffix), template
