"""An OpenAPI document, 3.x or Swagger 2: read from a file or taken as it is, its operations found and made alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from holdall.errors import DeclarationError
from holdall.stores.rest.bodies import FORM
from holdall.stores.rest.document_file import read_document_file
from holdall.stores.rest.document_references import Node, References

__all__ = ["Document", "Node", "is_list", "is_of", "listed"]

_PLACE = re.compile(r"\{([^{}]+)\}([^{}]*)")
_STATUSES = ("200", "201", "2XX", "203", "202", "default")
_MOST_STEPS = 20_000  # in one schema
_MOST_LEVELS = 100


class Document:
    """Raises DeclarationError for what is no OpenAPI document, and wherever one leads nowhere."""

    def __init__(self, source: Mapping[str, object] | str | Path) -> None:
        found: Any = source if isinstance(source, Mapping) else read_document_file(Path(source))
        version = found.get("openapi", found.get("swagger")) if isinstance(found, Mapping) else None
        if not isinstance(version, str) or not version.startswith(("3.", "2.")):
            raise DeclarationError("this is no OpenAPI document: it has neither openapi: 3.… nor swagger: '2.0'")
        folder = None if isinstance(source, Mapping) else Path(source).parent
        self._references = References(found, folder, merges_siblings=not version.startswith(("2.", "3.0")))
        self._consumes = found.get("consumes")
        self._produces = found.get("produces")
        self._servers = listed(found.get("servers")) or ([{"url": "/"}] if version.startswith("3") else [])
        self._host, self._base_path = str(found.get("host") or ""), str(found.get("basePath") or "")
        self._schemes = [str(each) for each in listed(found.get("schemes"))]
        self._steps = 0
        paths = self.node(found.get("paths"))
        self.paths: Node = {str(path): each for path, each in paths.items()}
        schemas = self.node(self.node(found.get("components")).get("schemas"))
        self.is_holdall = "Holdall.Problem" in schemas

    def node(self, found: object) -> Node:
        """The object that stands there, behind all references; an empty one for anything else."""
        return self._references.followed(found)[0]

    def resources(self) -> Iterator[str]:
        """The paths of single records: those that end with a place for a key, below a path that has a list."""
        for path in self.paths:
            if self.key_place(path) and "get" in self.node(self.paths.get(self.list_path(path))):
                yield path

    def key_place(self, path: str) -> str:
        """The name in braces that ends the path, whatever follows it: ``/pets/{id}.json``; an empty text for none."""
        found = _PLACE.fullmatch(path.rstrip("/").rpartition("/")[2])
        return "" if found is None else found[1]

    def list_path(self, path: str) -> str:
        """The path of the list in which this record is, which may end with a slash, or as the record's does."""
        above, _, last = path.rstrip("/").rpartition("/")
        found = _PLACE.fullmatch(last)
        suffixed = above + (found[2] if found is not None else "")
        return next((each for each in (suffixed, above) if each in self.paths), f"{above}/")

    def operation(self, path: str, method: str) -> Node | None:
        """The operation as OpenAPI 3 has it, with the parameters of its path among its own."""
        item = self.node(self.paths.get(path))
        if method not in item:
            return None
        operation = self.node(item[method])
        own = self._parameters(operation)
        names = {(each["name"], each["in"]) for each in own}
        own += [each for each in self._parameters(item) if (each["name"], each["in"]) not in names]
        return operation | {"parameters": own}

    def schema(self, found: object) -> Node:
        """A schema behind its references, ``allOf`` put together, choices united, nullability aside."""
        self._steps = 0
        return self._schema(found, frozenset(), 0)

    def properties(self, schema: Node) -> dict[str, Node]:
        """The properties of an object's schema."""
        return {str(name): self.schema(each) for name, each in self.node(schema.get("properties")).items()}

    def required(self, schema: Node) -> Iterator[str]:
        """The properties of an object that are always there, and never null."""
        properties = self.node(schema.get("properties"))
        for name in listed(schema.get("required")):
            if isinstance(name, str) and not self._is_nullable(properties.get(name)):
                yield name

    def _is_nullable(self, found: object) -> bool:
        schema = self.node(found)
        choices = [self.node(each) for each in (*listed(schema.get("anyOf")), *listed(schema.get("oneOf")))]
        is_null = any(each.get("type") == "null" or each.get("nullable") is True for each in choices)
        types, values = listed(schema.get("type")), listed(schema.get("enum"))
        return (
            is_null
            or schema.get("nullable") is True
            or schema.get("x-nullable") is True
            or "null" in types
            or (None in values)
        )

    def server(self, base: str) -> str:
        """The URL of the first server, as seen from a document at this URL; an empty text where none is told."""
        if self._host:
            scheme = next((each for each in self._schemes if each in ("https", "http")), "https")
            return f"{scheme}://{self._host}{self._base_path}".rstrip("/")
        for found in self._servers:
            server = self.node(found)
            url = str(server.get("url", ""))
            for name, variable in self.node(server.get("variables")).items():
                url = url.replace(f"{{{name}}}", str(self.node(variable).get("default", "")))
            if (joined := urljoin(base, url)).startswith(("http://", "https://")):
                return joined.rstrip("/")
        return ""

    def of_parameter(self, parameter: Node) -> Node:
        """The schema of a parameter, which Swagger 2 writes into the parameter itself."""
        if "schema" in parameter or "content" not in parameter:
            return self.schema(parameter.get("schema", parameter if "type" in parameter else {}))
        return self._content(parameter)[0] or {}

    def answer(self, operation: Node) -> tuple[Node | None, Node]:
        """The schema of what comes back in JSON where all goes well, None if it is not told; and its headers."""
        responses = {str(status): each for status, each in self.node(operation.get("responses")).items()}
        for status in _STATUSES:
            found = responses.get(status, responses.get(status.lower()))
            if found is not None:
                response = self.node(found)
                schema = self.schema(response["schema"]) if "schema" in response else self._content(response)[0]
                return schema, {str(name): each for name, each in self.node(response.get("headers")).items()}
        return None, {}

    def wanted_type(self, operation: Node) -> str:
        """The media type to ask for, where answers are in a kind of JSON of their own; an empty text for plain JSON."""
        told = [each for each in listed(operation.get("produces", self._produces)) if isinstance(each, str)]
        for status, found in self.node(operation.get("responses")).items():
            if str(status).startswith("2"):
                told += self.node(self.node(found).get("content"))
        told = [each for each in map(str, told) if _is_json(each)]
        return told[0] if told and all(_plain(each).endswith("+json") for each in told) else ""

    def body(self, operation: Node) -> tuple[Node | None, list[str]]:
        """The schema of what is sent, in JSON before all else, and the media types it may have."""
        parameters = operation["parameters"]
        whole = next((each for each in parameters if each["in"] == "body"), None)
        fields = {each["name"]: each for each in parameters if each["in"] == "formData"}
        media_types = [each for each in listed(operation.get("consumes", self._consumes)) if isinstance(each, str)]
        if whole is not None:
            return self.schema(whole.get("schema", {})), media_types or ["application/json"]
        if fields:
            files = any(each.get("type") == "file" for each in fields.values())
            return {"type": "object", "properties": fields}, media_types or ["multipart/form-data" if files else FORM]
        return self._content(self.node(operation.get("requestBody")))

    def _content(self, holder: Node) -> tuple[Node | None, list[str]]:
        content = {str(name): each for name, each in self.node(holder.get("content")).items()}
        found = next(filter(_is_json, content), None) or next((each for each in content if _plain(each) == FORM), None)
        schema = self.node(content[found]).get("schema") if found is not None else None
        return None if schema is None else self.schema(schema), list(content)

    def _parameters(self, holder: Node) -> list[Node]:
        found = [self.node(each) for each in listed(holder.get("parameters"))]
        return [each for each in found if isinstance(each.get("name"), str) and isinstance(each.get("in"), str)]

    def _schema(self, found: object, above: frozenset[str], level: int) -> Node:
        """As ``schema``; of the references in ``above``, which are being read, it leaves out what comes round again."""
        self._steps += 1
        if self._steps > _MOST_STEPS or level > _MOST_LEVELS:
            raise DeclarationError("the document's schemas are too entangled to be read")
        schema, passed = self._references.followed(found)
        if passed & above:
            return {}
        above |= passed
        for part in listed(schema.pop("allOf", None)):
            schema = _united(schema, self._schema(part, above, level + 1))
        choices = (*listed(schema.get("anyOf")), *listed(schema.get("oneOf")))
        options = [self._schema(each, above, level + 1) for each in choices]
        options = [each for each in options if each and each.get("type") != "null"]
        for option in options if any("properties" in each for each in options) else options[:1]:
            schema = _united(schema, option)
        return schema


def listed(found: object) -> list[object]:
    """The list that stands there; an empty one for anything else."""
    return found if isinstance(found, list) else []


def is_of(schema: Node, *types: str) -> bool:
    """Whether the schema says one of these types."""
    found = schema.get("type")
    return any(each in types for each in (found if isinstance(found, list) else [found]))


def is_list(schema: Node) -> bool:
    return is_of(schema, "array") or ("items" in schema and "type" not in schema)


def _united(schema: Node, other: Node) -> Node:
    """Both schemas in one; what the first says counts."""
    both = [each.get("properties") for each in (other, schema)]
    properties = {name: each for part in both if isinstance(part, Mapping) for name, each in part.items()}
    return {**other, **schema, **({"properties": properties} if properties else {})}


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    found = _plain(media_type)
    return found in ("application/json", "text/json", "*/*", "application/*") or found.endswith("+json")
