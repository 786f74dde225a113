"""The part of the document for jobs: actions are accepted, and reports are at a path of their own."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.actions import DeclaredAction
from holdall.web.openapi.responses import problems
from holdall.web.openapi.schemas import Node
from holdall.web.openapi.security import SCHEME

__all__ = ["add_job_reports"]

_COUNT: Node = {"type": "integer", "minimum": 0}
_JOB: Node = {
    "type": "object",
    "title": "Job",
    "description": "An action, a bulk write or an import that is done behind the request.",
    "properties": {
        "id": {"type": "string"},
        "action": {"type": "string", "examples": ["books/vote", "PATCH /books"]},
        "state": {"type": "string", "enum": ["running", "done", "failed", "cancelled"]},
        "created": {"type": "string", "format": "date-time"},
        "parts": _COUNT | {"description": "Commits in which it is done."},
        "parts_done": _COUNT,
        "seen": _COUNT | {"description": "Records that it was done on, or that failed."},
        "failed": _COUNT,
        "failures": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"key": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["key", "reason"],
            },
        },
        "result": {
            "description": "Of an action on each record a list of `key` and `result`; of a request `status` and `body`."
        },
        "reason": {"type": "string", "description": "Why it failed."},
    },
    "required": ["id", "action", "state", "created", "parts", "parts_done", "seen", "failed", "failures", "result"],
}
_CONTENT: Node = {"application/json": {"schema": {"$ref": "#/components/schemas/Holdall.Job"}}}
_PROBLEM: Node = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Holdall.Problem"}}}
_ACCEPTED: Node = {
    "description": "It is begun as a job; or, as a problem: the change is decided and will be finished.",
    "headers": {"Location": {"description": "Where its report is.", "schema": {"type": "string"}}},
    "content": _CONTENT | _PROBLEM,
}


def add_job_reports(
    added: Node, collections: Iterable[str], actions: Iterable[DeclaredAction], *, knows_users: bool
) -> None:
    """Complete the operations of actions and of bulk writes, in place, and the paths by that of reports.

    Example: :func:`asgi`.
    """
    paths, is_any = added["paths"], False
    for declared in actions:
        for place in ("", "/{key}"):
            path = paths.get(f"/{declared.collection}{place}/actions/{declared.name}")
            if path is not None and not declared.result.is_content:
                path["post"] = _with_job(path["post"], is_always=declared.kind.__as_job__)
                is_any = True
    for collection in collections:
        path = paths.get(f"/{collection}", {})
        for method in ("post", "patch", "delete"):
            if method in path:
                path[method] = _with_job(path[method], is_always=False)
                is_any = True
    if not is_any:
        return
    added["components"]["schemas"]["Holdall.Job"] = _JOB
    security: Node = {"security": [{}, {SCHEME: []}]} if knows_users else {}
    report: Node = {
        "200": {
            "description": "How far it is.",
            "headers": {"Retry-After": {"description": "While it runs, in seconds.", "schema": {"type": "integer"}}},
            "content": _CONTENT,
        }
    }
    responses = report | problems(400, 401, 404, 414, 422, 500, 503, 504)
    paths["/_jobs/{job}"] = {
        "parameters": [{"name": "job", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {"operationId": "job_get", "summary": "Report on a job of one's own", "responses": responses} | security,
        "delete": {"operationId": "job_cancel", "summary": "Cancel a job of one's own", "responses": responses}
        | security,
    }


def _with_job(operation: Node, *, is_always: bool) -> Node:
    """The operation, which may be accepted as a job, or ``is_always``, but for rehearsals."""
    parameters = [
        each | {"description": each["description"].replace("followed: ", "followed: respond-async, ")}
        if each.get("name") == "Prefer"
        else each
        for each in operation["parameters"]
    ]
    responses = operation["responses"] | {"202": _ACCEPTED}
    if is_always:
        plan = "application/vnd.holdall.plan+json"
        done = responses["200"]
        content = {name: each for name, each in done["content"].items() if name == plan}
        responses["200"] = {"description": "The plan, where nothing is to be written.", "content": content}
        del responses["204"]
    return operation | {"parameters": parameters, "responses": responses}
