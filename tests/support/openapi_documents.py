"""Parts of which tests put OpenAPI documents together."""

from __future__ import annotations

from typing import Any

__all__ = ["NUMBER", "TEXT", "a_document", "a_list", "an_object", "body", "ok", "query", "ref"]

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def a_list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def ok(schema: Any, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"content": {media_type: {"schema": schema}}, **more}}}


def body(schema: Any, *media_types: str) -> dict[str, Any]:
    return {"requestBody": {"content": {each: {"schema": schema} for each in media_types or ("application/json",)}}}


def query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def a_document(paths: Any, version: str = "3.0.3", **schemas: Any) -> dict[str, Any]:
    return {"openapi": version, "paths": paths, "components": {"schemas": schemas}}
