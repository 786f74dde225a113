"""The collections of an OpenAPI document, as models and declarations would have them."""

from __future__ import annotations

import re

import msgspec

from holdall.errors import DeclarationError
from holdall.query import FieldSchema, Generated, Kind, Schema
from holdall.store import Described, Description, Look, annotation_of
from holdall.stores.rest.call import KEY
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.derive import derived, record_of
from holdall.stores.rest.document import Document, Node, is_list, is_of, listed
from holdall.stores.rest.versions import ETags
from holdall.stores.rest.vocabulary import plain

__all__ = ["describe"]

_NAME = re.compile(r"\{([^{}]+)\}")
_KEYS = frozenset({Kind.INT, Kind.STR, Kind.UUID})
_FORMATS = {
    "date-time": Kind.DATETIME,
    "date": Kind.DATE,
    "uuid": Kind.UUID,
    "byte": Kind.BYTES,
    "duration": Kind.TIMEDELTA,
}
_TYPES = {"integer": Kind.INT, "number": Kind.FLOAT, "boolean": Kind.BOOL, "string": Kind.STR}
_WORDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
_MOST_LEVELS = 4


def describe(document: Document, base: str, look: Look) -> Description:
    """Describe the collections that are wanted; ``base`` is the URL that servers of the document are relative to."""
    found: dict[str, Described] = {}
    for path in document.resources():
        name = _free_name(document.list_path(path), set(found))
        found[name] = _described(document, path, name)
    wanted = [each for name, each in found.items() if look.is_wanted(name)]
    return Description(tuple(wanted), url=document.server(base))


def _free_name(path: str, taken: set[str]) -> str:
    """The words of a list's path, from the last one on, until nothing else is called so."""
    words = [re.sub(r"\.\w+\Z", "", word) for word in path.strip("/").split("/") if "{" not in word]
    names = ["_".join(words[-count:]) or "items" for count in range(1, len(words) + 1)] or ["items"]
    names += [f"{names[-1]}_{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in names if name not in taken)


def _described(document: Document, path: str, name: str) -> Described:
    key_place = document.key_place(path)
    try:
        record, required = record_of(document, path)
        above = [each for each in _NAME.findall(path) if each != key_place]
        outside = frozenset(each for each in above if each not in record)
        collection = derived(document, path, **({"in_path": outside} if outside else {}))
    except DeclarationError as error:
        return _left_out(name, str(error))
    if any(not each.isidentifier() for each in above):
        return _left_out(name, f"{path}: a name in its path is no word")
    key = _key_of(record, key_place, name)
    fields = [_field(each, schema, each in required) for each, schema in record.items()]
    fields = [_path_field(document, path, each) for each in above if each in outside] + fields
    kinds = {field.name: field.kind for field in fields}
    if key is None or kinds[key] not in _KEYS or any(kinds[each] not in _KEYS for each in above):
        return _left_out(name, f"{path}: no property of its records is the key {key_place!r}")
    keys = (*above, key)
    notes: list[str] = []
    if above:
        collection = _nested(collection, key, notes)
    generated = Generated.NO
    if collection.keys == "server":
        generated = Generated.CLIENT if kinds[key] is Kind.UUID else Generated.STORE
    made = {
        field.name: msgspec.structs.replace(
            field, nullable=False, generated=generated if field.name == key else Generated.NO
        )
        for field in fields
        if field.name in keys
    }
    fields = [made.get(field.name, field) for field in fields]
    version, collection = _version(collection, fields)
    annotations = {
        each: _annotation(document, schema, 0) for each, schema in record.items() if kinds[each] is Kind.JSON
    }
    schema = Schema(name, tuple(fields), keys, version=version)
    return Described(schema, tuple(notes), annotations, option=collection)


def _left_out(name: str, reason: str) -> Described:
    return Described(Schema(name, (), ()), (" ".join(reason.split()),))


def _nested(collection: RestCollection, key: str, notes: list[str]) -> RestCollection:
    """The declaration of records whose key has the names above them in it."""
    collection = msgspec.structs.replace(collection, path=collection.path.replace(f"{{{KEY}}}", f"{{{key}}}"))
    if collection.keys == "client":
        return collection
    notes.append("records cannot be added: the API makes a part of their keys")
    read_only = collection.read_only - {key}
    return msgspec.structs.replace(collection, keys="client", add=None, read_only=read_only)


def _key_of(record: dict[str, Node], place: str, name: str) -> str | None:
    """The property that the name in braces means: of the same name, or ``id`` where that is ``petId``."""
    by_plain = {plain(each): each for each in record}
    words = [plain(place), "id", plain(place).removeprefix(plain(name).removesuffix("s"))]
    return next((by_plain[word] for word in words if word in by_plain), None)


def _field(name: str, schema: Node, is_required: bool) -> FieldSchema:
    kind = _kind(schema)
    choices = _choices(schema) if kind in (Kind.STR, Kind.INT) else None
    return FieldSchema(name, kind, not is_required, choices=choices, columns=(name,))


def _path_field(document: Document, path: str, name: str) -> FieldSchema:
    operation = document.operation(path, "get") or {"parameters": []}
    parameter: Node = next(
        (each for each in operation["parameters"] if each["name"] == name and each["in"] == "path"), {}
    )
    return FieldSchema(name, _kind(document.of_parameter(parameter)), columns=(name,))


def _kind(schema: Node) -> Kind:
    found = schema.get("type")
    types = [each for each in (found if isinstance(found, list) else [found]) if each != "null"]
    if len(types) != 1 or not isinstance(types[0], str):
        return Kind.STR if not types and _choices(schema) else Kind.JSON
    kind = _TYPES.get(types[0], Kind.JSON)
    return _FORMATS.get(str(schema.get("format")), kind) if kind is Kind.STR else kind


def _choices(schema: Node) -> tuple[str | int, ...] | None:
    values = [value for value in listed(schema.get("enum")) if value is not None]
    if values and (all(isinstance(value, str) for value in values) or all(type(value) is int for value in values)):
        return tuple(value for value in values if isinstance(value, str | int))
    return None


def _annotation(document: Document, schema: Node, level: int) -> str:
    if is_list(schema):
        items = document.schema(schema.get("items"))
        inner = _annotation(document, items, level + 1) if level < _MOST_LEVELS else ""
        return f"list[{inner if inner not in ('', 'JSON') else annotation_of(())}]"
    if is_of(schema, "object") or "properties" in schema:
        return annotation_of(({},))
    found = schema.get("type")
    return _WORDS.get(found, "JSON") if isinstance(found, str) else "JSON"


def _version(collection: RestCollection, fields: list[FieldSchema]) -> tuple[str | None, RestCollection]:
    """The field that is the version, added where the API has only tags; none where the document has no such field."""
    if collection.version is None:
        return None, collection
    names = {field.name for field in fields}
    if isinstance(collection.version, ETags):
        name = next(each for each in ("version", "tag_version", "record_version") if each not in names)
        fields.append(FieldSchema(name, Kind.INT, columns=(name,)))
        return name, collection
    if "version" in names:
        return "version", collection
    return None, msgspec.structs.replace(collection, version=None)
