"""An OpenAPI 3.x document: read from a file or taken as it is, its references followed, its operations found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from holdall.errors import DeclarationError

__all__ = ["Document", "Node"]

Node = dict[str, Any]

_MOST_BYTES = 32 * 2**20
_MOST_STEPS = 50
_PLACE = re.compile(r"\{([^{}]+)\}")


class Document:
    """Raises DeclarationError for what is no OpenAPI 3.x document, and wherever one leads nowhere."""

    def __init__(self, source: Mapping[str, Any] | str | Path) -> None:
        found: Any = source if isinstance(source, Mapping) else _read(Path(source))
        version = found.get("openapi") if isinstance(found, Mapping) else None
        if not isinstance(version, str) or not version.startswith("3."):
            raise DeclarationError("this is no OpenAPI 3.x document: it has no openapi: 3.…")
        self._whole: Any = found
        self.paths: Node = self.node(found.get("paths", {}))
        schemas = self.node(self.node(found.get("components", {})).get("schemas", {}))
        self.is_holdall = "Holdall.Problem" in schemas

    def node(self, found: Any) -> Node:
        """The object that stands there, behind all references; an empty one for anything else."""
        for _ in range(_MOST_STEPS):
            if not isinstance(found, Mapping):
                return {}
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return dict(found)
            found = self._at(reference)
        raise DeclarationError("the document's references run in a circle")

    def resources(self) -> Iterator[str]:
        """The paths of single records: those that end with a place for a key, below a path that has a list."""
        for path in self.paths:
            last = path.rstrip("/").rpartition("/")[2]
            if _PLACE.fullmatch(last) and "get" in self.node(self.paths.get(self.list_path(path), {})):
                yield path

    def list_path(self, path: str) -> str:
        """The path of the list in which this record is, which may end with a slash."""
        above = path.rstrip("/").rpartition("/")[0]
        return above if above in self.paths else f"{above}/"

    def operation(self, path: str, method: str) -> Node | None:
        """The operation, with the parameters of its path among its own."""
        item = self.node(self.paths.get(path, {}))
        if method not in item:
            return None
        operation = self.node(item[method])
        own = [self.node(each) for each in operation.get("parameters", ())]
        names = {(each.get("name"), each.get("in")) for each in own}
        shared = [self.node(each) for each in item.get("parameters", ())]
        own += [each for each in shared if (each.get("name"), each.get("in")) not in names]
        return operation | {"parameters": own}

    def schema(self, found: Any) -> Node:
        """A schema behind its references, ``allOf`` put together, of other choices the first, nullability aside."""
        schema = self.node(found)
        for part in schema.pop("allOf", ()):
            inner = self.schema(part)
            properties = {**inner.get("properties", {}), **schema.get("properties", {})}
            schema = {**inner, **schema, **({"properties": properties} if properties else {})}
        options = [self.node(each) for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))]
        options = [each for each in options if each.get("type") != "null"]
        return self.schema(options[0]) if options and not {"type", "properties"} & schema.keys() else schema

    def properties(self, schema: Node) -> dict[str, Node]:
        """The properties of an object's schema."""
        return {name: self.schema(each) for name, each in self.node(schema.get("properties", {})).items()}

    def answer(self, operation: Node) -> tuple[Node | None, Node]:
        """The schema of what comes back in JSON where all goes well, None if it is not told; and its headers."""
        responses = self.node(operation.get("responses", {}))
        for status in ("200", "201", "2XX", "2xx", "default"):
            if status in responses:
                response = self.node(responses[status])
                return self._json(response), self.node(response.get("headers", {}))
        return None, {}

    def body(self, operation: Node) -> tuple[Node | None, list[str]]:
        """The schema of what is sent in JSON, and the media types it may have."""
        request = self.node(operation.get("requestBody", {}))
        return self._json(request), list(self.node(request.get("content", {})))

    def _json(self, holder: Node) -> Node | None:
        for media_type, content in self.node(holder.get("content", {})).items():
            plain = media_type.partition(";")[0].strip()
            if plain == "application/json" or plain.endswith("+json"):
                found = self.node(content).get("schema")
                return None if found is None else self.schema(found)
        return None

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise DeclarationError(f"the document refers to {reference}, outside of itself; put it in one file")
        found = self._whole
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise DeclarationError(f"the document refers to {reference}, which it does not hold")
            found = found[name]
        return found


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DeclarationError(f"{path} is larger than {_MOST_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from error
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            return _yaml(content)
        return msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"{path} is no JSON; a YAML file's name ends with .yaml") from error


def _yaml(content: bytes) -> Any:
    try:  # of the extra yaml, which only documents in YAML need
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise DeclarationError("reading OpenAPI in YAML needs more: pip install holdall[yaml]") from error
    try:
        return YAML(typ="safe", pure=True).load(content)
    except YAMLError as error:
        raise ValueError("no YAML") from error
