"""Bulk writes and imports that clients do not wait for (RFC 7240, section 4.1): noted, and answered behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from holdall.app.long_actions.work_on_request import Answer, NotingSession
from holdall.policy import Right, User
from holdall.query import Json, Value
from holdall.session import Binding
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import JSON, given_again, media_type, read_body
from holdall.web.importing import IMPORTED
from holdall.web.intake import SESSION, Intake
from holdall.web.jobs.action_jobs import ActionJobs
from holdall.web.preferences import preferences_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply
from holdall.web.rights import demand_removal, demand_right

__all__ = ["RequestJobs", "answering", "is_async"]

_RIGHTS = {"POST": Right.CREATE, "PATCH": Right.UPDATE, "DELETE": Right.DELETE}
_KNOWN = (b"return", b"tx", b"max-affected", b"respond-async")
_KEPT = (b"content-type", b"prefer")
_Endpoint = Callable[[Scope, Receive, User], Awaitable[Reply]]


class Given(msgspec.Struct):
    """A request as it is noted. Its body is text in UTF-8, as all bodies of bulk writes and imports are."""

    query: str
    headers: list[tuple[str, str]]
    body: str
    root: str


class Replying(Protocol):
    """A collection, as it answers a request that was noted. Example: :func:`asgi`."""

    async def replied(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """Answer a request to the collection; problems are answers, too."""
        ...


def is_async(scope: Scope) -> bool:
    """Whether a request that writes may prefer not to be waited for."""
    return scope["method"] in _RIGHTS and b"respond-async" in (header_list(scope, b"prefer") or b"").lower()


class RequestJobs:
    """Notes the bulk writes and imports of one collection, where clients prefer that.

    Example: ``docs/http.md``.
    """

    def __init__(self, binding: Binding, intake: Intake, jobs: ActionJobs) -> None:
        self._binding = binding
        self._intake = intake
        self._jobs = jobs

    def is_allowed(self, scope: Scope, user: User) -> bool:
        """Whether the user may make such a request at all."""
        return self._binding.policy.allows(_RIGHTS[scope["method"]], user)

    async def answer(self, endpoint: _Endpoint, scope: Scope, receive: Receive, user: User) -> Reply:
        """202 with the place of the report; the answer of the endpoint to what is no bulk write.

        Raises Problem (400) for a body that is not UTF-8, and for a right that the user has not.
        """
        options, method = self._intake.options, scope["method"]
        is_import = method == "POST" and media_type(scope) in IMPORTED
        demand_right(self._binding, _RIGHTS[method], user, options.challenge)
        if method == "DELETE":
            demand_removal(self._binding, user, options.challenge)
        may_be_many = method != "POST" or is_import or media_type(scope) == JSON
        if not (may_be_many and self._jobs.can_note):
            return await endpoint(scope, receive, user)
        body: bytes | None = None
        if method == "POST" and not is_import:
            body = await read_body(scope, receive, options.max_body, options.body_seconds)
            receive = given_again(scope, body)
            if body.lstrip()[:1] != b"[":
                return await endpoint(scope, receive, user)
        preferences = preferences_of(scope, *_KNOWN)
        if not preferences.is_async or preferences.is_rehearsal:
            return await endpoint(scope, receive, user)
        if body is None:
            body = await read_body(scope, receive, options.max_body, options.body_seconds)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Problem(400, "text", "The body is not UTF-8 text.") from None
        headers = [
            (name.decode(), _without(value).decode("latin-1")) for name, value in scope["headers"] if name in _KEPT
        ]
        given = Given(scope["query_string"].decode(), headers, text, scope.get("root_path", ""))
        session = self._intake.session(scope, user)
        in_one = not (is_import or preferences.is_by_item)
        noted = msgspec.json.encode(given).decode()
        return await self._jobs.accepted_request(
            scope, session, self._binding.collection, method, noted, preferences, in_one=in_one
        )


def answering(resources: Mapping[str, Replying]) -> Callable[[Value, NotingSession], Awaitable[Answer]]:
    """Make the function that answers requests which were noted, by the resources of their collections."""

    async def answer(note: Value, session: NotingSession) -> Answer:
        given = msgspec.json.decode(note.inputs, type=Given)
        path = f"{given.root}/{note.collection}"
        scope: Scope = {
            "type": "http",
            "method": note.action,
            "path": path,
            "raw_path": path.encode(),
            "root_path": given.root,
            "query_string": given.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.headers],
        }
        if session.end is not None:
            scope[SESSION] = session
        reply = await resources[note.collection].replied(scope, given_again(scope, given.body.encode()), session.user)
        body: Json = msgspec.json.decode(reply.body) if reply.body else None
        reason = str(body.get("detail", "")) if reply.status >= 400 and isinstance(body, dict) else ""
        return Answer(reply.status, body, reason)

    return answer


def _without(value: bytes) -> bytes:
    """A header without the preference that was followed."""
    kept = [piece for piece in value.split(b",") if piece.strip().lower() != b"respond-async"]
    return b",".join(kept)
