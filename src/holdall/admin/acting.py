"""The inputs of actions and the parameters of selections as fields of a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from holdall.admin.described import Described, FieldInfo, field_of
from holdall.admin.kinds import Node
from holdall.query import Value

__all__ = ["chosen_filters", "defaults_of", "fields_of", "named_of", "path_of"]

_REFERENCE = "#/components/schemas/"


def named_of(told: Iterable[Node], name: str) -> Node | None:
    """The action or the selection of this name. Example: ``docs/back-office.md``."""
    return next((each for each in told if each["name"] == name), None)


def fields_of(schema: Node, schemas: Node, collections: Mapping[str, str]) -> list[FieldInfo]:
    """The fields of an object by its JSON Schema; ``collections`` are those of models, by their names.

    >>> schema = {"properties": {"score": {"type": "integer"}}, "required": ["score"]}
    >>> [(each.label, each.required) for each in fields_of(schema, {}, {})]
    [('Score', True)]
    """
    if "$ref" in schema:
        schema = schemas.get(str(schema["$ref"]).removeprefix(_REFERENCE), {})
    required = schema.get("required", ())
    found = []
    for name, each in schema.get("properties", {}).items():
        told = {"name": name, "schema": each, "required": name in required}
        target = collections.get(str(each.get("x-refers-to")))
        found.append(field_of(told | ({"target": target} if target is not None else {}), schemas))
    return found


def defaults_of(schema: Node, schemas: Node) -> dict[str, Value]:
    """The values that inputs have where nobody gives others."""
    if "$ref" in schema:
        schema = schemas.get(str(schema["$ref"]).removeprefix(_REFERENCE), {})
    return {name: each["default"] for name, each in schema.get("properties", {}).items() if "default" in each}


def path_of(described: Described, action: str, key: str | None) -> str:
    """The path of an action of the service, on one record or on those that a filter means."""
    start = f"/{quote(described.collection)}"
    return f"{start}/{key}/actions/{quote(action)}" if key is not None else f"{start}/actions/{quote(action)}"


def chosen_filters(described: Described, keys: list[str]) -> list[tuple[str, str]]:
    """The filter that means the records with these keys, which are segments of paths."""
    if len(described.key) == 1:
        return [
            (
                f"{described.key[0]}__in",
                ",".join(unquote(each).replace("\\", "\\\\").replace(",", "\\,") for each in keys),
            )
        ]
    groups = []
    for key in keys:
        parts = zip(described.key, key.split(","), strict=False)
        groups.append("and=(" + ",".join(f"{name}={_in_group(unquote(part))}" for name, part in parts) + ")")
    return [("or", f"({','.join(groups)})")] if len(groups) > 1 else [("and", groups[0].removeprefix("and="))]


def _in_group(text: str) -> str:
    for sign in "\\,()":
        text = text.replace(sign, f"\\{sign}")
    return text
