"""Answers as OpenAPI tells them: what each status means, and the problem document all failures share."""

from __future__ import annotations

from holdall.web.openapi.schemas import Node

__all__ = ["ALWAYS", "GUARDED", "HEADERS", "PROBLEM", "REMOVES", "RESPONSES", "WRITES", "problems", "reply"]

ALWAYS = (401, 404, 414, 500, 501, 502, 503, 504, 507)
"""The statuses that any request may be answered with."""
REMOVES = (202, 403, 409, 422)
WRITES = (400, 408, 413, 415, *REMOVES)
"""Those of requests that write, with a body."""
GUARDED = (412, 428)
"""Those of requests that say which state is to be changed."""

PROBLEM: Node = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457); it never repeats a value that was sent.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:holdall:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "where it is found in the log"},
        "errors": {
            "type": "array",
            "description": "everything that is wrong",
            "items": {
                "type": "object",
                "required": ["path", "code", "message"],
                "properties": {
                    "path": {"type": "string", "description": "the field or parameter"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "pointer": {"type": "string", "description": "the place in the body, as a JSON Pointer"},
                },
            },
        },
    },
}

_MEANINGS = {
    202: "The change is decided and will be finished.",
    400: "What was sent cannot be read.",
    401: "It must be known who asks.",
    403: "The user may read, but not do this.",
    404: "There is no such record, or the user may not know of it.",
    405: "This method does nothing here.",
    408: "The body did not come in time.",
    409: "It does not go together with what is stored.",
    412: "The record is not in the state the request expects.",
    413: "The body is too large.",
    414: "The path or the query string is too long.",
    415: "The body is of a type that is not understood.",
    422: "What was sent breaks rules; each breach is listed.",
    428: "It must be said with If-Match which state is to be changed.",
    500: "Something went wrong here.",
    501: "The place where the records are kept cannot do this.",
    502: "The service where the records are kept gave no answer that can be used.",
    503: "The records cannot be reached now.",
    504: "It took too long to get at the records.",
    507: "The place where the records are kept is full.",
}

RESPONSES: Node = {
    f"Problem{status}": {
        "description": meaning,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Holdall.Problem"}}},
    }
    for status, meaning in _MEANINGS.items()
} | {
    "NotModified": {"description": "It is still as it was.", "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}}
}

HEADERS: Node = {
    "ETag": {"description": "The version of what is shown.", "schema": {"type": "string"}},
    "Last-Modified": {
        "description": "When the record was last written, where it has a stamp of that.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "Where the new record is.", "schema": {"type": "string", "format": "uri-reference"}},
}


def problems(*statuses: int) -> Node:
    """The responses of these statuses."""
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}


def reply(description: str, schema: Node, *headers: str) -> Node:
    """A response of JSON."""
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {"application/json": {"schema": schema}},
    }
