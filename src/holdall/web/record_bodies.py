"""Bodies of the host's own routes that take records: checked as in a POST to a collection, before the framework decodes
them.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from pydantic import BaseModel

from holdall.model import Model, has_repeated_names
from holdall.web.asgi import Application, Message, Receive, Scope, Send, header
from holdall.web.body import JSON, Disconnected, demand_few_values, demand_media_type, read_body
from holdall.web.options import Options
from holdall.web.problem import Problem

__all__ = ["RecordBodies", "checked_receive"]


class RecordBodies:
    """Middleware of an application that is no service: bodies that have records in them are checked."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._options = Options()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, with a body that is checked when it is read."""
        is_http = scope["type"] == "http"
        await self._app(scope, checked_receive(scope, receive, self._options) if is_http else receive, send)


def checked_receive(scope: Scope, receive: Receive, options: Options) -> Receive:
    """The same, but that the body of a route which takes records is read whole, and raises Problem unless it is JSON.

    Which route answers is known by the time the body is read: routing has put it into the scope.
    """
    is_first = True

    async def checked() -> Message:
        nonlocal is_first
        if not is_first:
            return await receive()
        is_first = False
        parameters = list(_record_parameters(scope.get("route")))
        if not parameters:
            return await receive()
        is_required = any(parameter.field_info.is_required() for parameter in parameters)
        try:
            body = await _checked_body(scope, receive, options, is_required=is_required)
        except Disconnected:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    return checked


async def _checked_body(scope: Scope, receive: Receive, options: Options, *, is_required: bool) -> bytes:
    demand_media_type(scope, JSON)
    body = await read_body(scope, receive, options.max_body, options.body_seconds)
    if not body and not is_required:
        return body
    demand_few_values(body, options.max_values)
    if has_repeated_names(body):
        raise Problem(400, "json", "The body gives a name twice in one object.")
    try:
        msgspec.json.decode(body)
    except RecursionError:
        raise Problem(400, "json", "The body is nested too deep.") from None
    except (msgspec.DecodeError, UnicodeError):
        raise Problem(400, "json", "The body is not JSON.") from None
    if header(scope, b"content-type") is None:
        scope["headers"] = [*scope["headers"], (b"content-type", JSON)]  # without one the framework decodes nothing
    return body


def _record_parameters(route: Any) -> Any:
    """The parameters of a route, and of what it depends on, that take records from the body."""
    pending = [getattr(route, "dependant", None)]
    while pending:
        dependant = pending.pop()
        if dependant is not None:
            yield from (
                parameter for parameter in dependant.body_params if _has_record(parameter.field_info.annotation)
            )
            pending.extend(dependant.dependencies)


def _has_record(annotation: Any) -> bool:
    """Whether values of this type are records, or have such in them."""
    pending, seen = [annotation], set[int]()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, type) and issubclass(item, Model):
            return True
        if isinstance(item, type) and issubclass(item, BaseModel):
            pending.extend(field.annotation for field in item.model_fields.values())
        pending.extend(get_args(item))
    return False
