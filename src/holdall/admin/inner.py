"""The REST service, asked in the same process for the user of a page.

The back office reads and writes through it alone, so that whatever holds for clients over HTTP holds for people, too:
rights, bounds, tags, problems.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from holdall.app import Holdall
from holdall.policy import User
from holdall.query import Value
from holdall.web.asgi import Message, Receive, Scope, Send
from holdall.web.operations import current_request_id
from holdall.web.options import Options
from holdall.web.service import Service

__all__ = ["Answer", "Inner"]

_USER = "holdall.back_office.user"


class Answer(msgspec.Struct, frozen=True):
    """An answer of the service.

    >>> Answer(200, {"etag": '"7"'}, b'{"id": 1}').json["id"]
    1
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the service did what was asked."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Value:
        """The body, decoded; an empty object where there is none."""
        return msgspec.json.decode(self.body) if self.body else {}

    @property
    def tag(self) -> str:
        """The tag of the record, or nothing."""
        return self.headers.get("etag", "")


class Inner:
    """Asks the service. Example: ``docs/back-office.md``."""

    def __init__(self, app: Holdall, options: Options) -> None:
        own = msgspec.structs.replace(
            options,
            authenticate=_user_of,
            admin=False,
            docs=False,
            health=False,
            rate=None,
            server_timing=False,
            idempotency=False,
            lifespan=None,
            cors=(),
        )
        self._service = Service(app, own)

    async def call(
        self,
        user: User,
        method: str,
        path: str,
        *,
        query: str = "",
        json: object = None,
        body: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask and return the whole answer. ``path`` is percent-encoded; ``json`` is encoded and declared as such."""
        given = dict(headers or {})
        content = b""
        if json is not None:
            content = msgspec.json.encode(json)
            given = {"content-type": "application/json"} | given
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        receive = _receive(content) if body is None else _receive_parts(body)
        await self._service(_scope(user, method, path, query, given), receive, send)
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))

    async def hand_on(
        self, user: User, method: str, path: str, query: str, headers: Sequence[tuple[str, str]], send: Send
    ) -> None:
        """Ask, and let the answer go to ``send`` as it comes."""
        await self._service(_scope(user, method, path, query, dict(headers)), _receive(b""), send)


async def _user_of(scope: Scope) -> User | None:
    found: User | None = scope.get(_USER)
    return found


def _scope(user: User, method: str, path: str, query: str, headers: Mapping[str, str]) -> Scope:
    raw = path.encode()
    request_id = current_request_id()
    told = dict(headers) if request_id is None else {"x-request-id": request_id, **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()],
        "client": None,
        "server": None,
        "state": {},
        _USER: user,
    }


def _receive(content: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _receive_parts(parts: AsyncIterator[bytes]) -> Receive:
    async def receive() -> Message:
        part = await anext(parts, None)
        if part is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": part, "more_body": True}

    return receive
