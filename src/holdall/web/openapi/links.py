"""Links (OpenAPI 3.1, "Link Object"): from what an operation answers to the operations that go on from there."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.model import Field
from holdall.session import Binding
from holdall.web.openapi.schemas import Node

__all__ = ["add_links"]

_SHOWS_ONE = {"get": ("200",), "put": ("200", "201"), "patch": ("200",)}


def add_links(paths: Node, bindings: Iterable[Binding]) -> None:
    """Complete the answers of these collections' operations, in place, by links to operations that are told as well.

    Example: :func:`asgi`.
    """
    shown = [each for each in bindings if f"/{each.collection}" in paths]
    for binding in shown:
        many, one = paths[f"/{binding.collection}"], paths.get(f"/{binding.collection}/{{key}}", {})
        links = _to_itself(binding, one) | _to_others(binding, paths) | _to_lists(binding, shown, paths)
        if not links:
            continue
        if "post" in many:
            _add(many["post"], "201", links)
        for verb, statuses in _SHOWS_ONE.items():
            for status in statuses if verb in one else ():
                _add(one[verb], status, links)


def _add(operation: Node, status: str, links: Node) -> None:
    operation["responses"][status] = operation["responses"][status] | {"links": links}


def _to_itself(binding: Binding, one: Node) -> Node:
    """Links to the operations on the record that is shown."""
    if len(binding.declaration.key) != 1:
        return {}
    key = {"key": _place(binding.declaration.key[0])}
    return {
        verb: _link(one[method], key)
        for verb, method in (("get", "get"), ("update", "patch"), ("delete", "delete"))
        if method in one
    }


def _to_others(binding: Binding, paths: Node) -> Node:
    """Links to the records that are always referred to."""
    links: Node = {}
    for field in binding.declaration.references:
        if field.form is not None or field.nullable or field.target is None:
            continue
        target = field.target().__holdall__
        operation = paths.get(f"/{target.collection}/{{key}}", {}).get("get")
        if operation is not None and len(target.key) == 1 and _is_told(binding, field, paths):
            links[f"get_{field.name}"] = _link(operation, {"key": _place(field)})
    return links


def _to_lists(binding: Binding, shown: Iterable[Binding], paths: Node) -> Node:
    """Links to the lists of what refers to the record."""
    links: Node = {}
    for other in shown:
        operation = paths[f"/{other.collection}"].get("get")
        if operation is None or len(binding.declaration.key) != 1:
            continue
        filters = {each["name"] for each in operation.get("parameters", ()) if "name" in each}
        for field in other.declaration.references:
            is_here = field.target is not None and field.target() is binding.model
            if is_here and field.form is None and field.name in filters:
                name = f"list_{other.collection}_by_{field.name}"
                links[name] = _link(operation, {field.name: _place(binding.declaration.key[0])})
    return links


def _is_told(binding: Binding, field: Field, paths: Node) -> bool:
    """Whether the operations of a collection show a field: one that lists are not filtered by is hidden."""
    listed = paths[f"/{binding.collection}"].get("get", {})
    return any(each.get("name") == field.name for each in listed.get("parameters", ()))


def _link(operation: Node, parameters: Node) -> Node:
    return {"operationId": operation["operationId"], "parameters": parameters}


def _place(field: Field) -> str:
    return f"$response.body#/{field.name}"
