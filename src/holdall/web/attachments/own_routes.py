"""Files in routes of one's own, of a view or of the host: sent with all headers that they need, and taken in."""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from holdall.files import File
from holdall.model import Model
from holdall.session.file_fields import rule_of
from holdall.web.asgi import Receive, Scope, Send
from holdall.web.attachments.disposition import name_of
from holdall.web.attachments.file_reply import file_reply
from holdall.web.attachments.incoming import demand_size, incoming
from holdall.web.reply import Reply, send_reply

__all__ = ["file_response", "sent_file"]

_SECONDS = 30.0


async def file_response(request: Request, file: File | None) -> Response:
    """Return the answer to a GET or HEAD for a file: with ranges, tags and ``nosniff``, as collections answer.

    Raises Problem without a file (404), for a precondition that does not hold (412), for a range without a byte (416).

    >>> from holdall import Holdall, Model, field, file
    >>> from holdall.web.views import AsyncRestView, get, put
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     cover: File | None = file("covers")
    >>> class BookView(AsyncRestView[Book]):
    ...     prefix = "/books"
    ...
    ...     @get("/{key}/cover")
    ...     async def cover(self, key: str) -> Response:
    ...         return await file_response(self.request, (await self.handle_get_one(self.key_of(key))).cover)
    ...
    ...     @put("/{key}/cover")
    ...     async def put_cover(self, key: str) -> object:
    ...         book = await self.get_one(self.key_of(key))
    ...         async with self.write_action("update", obj=book):
    ...             book.cover = sent_file(self.request, Book, "cover")
    ...         return self.to_response(book)
    """
    return _FileResponse(await file_reply(request.scope, file), is_head=request.method == "HEAD")


def sent_file(request: Request, model: type[Model], name: str) -> File:
    """Return the body of a request as a File for a field; it is read by the commit of the record that is given it.

    Raises Problem for a body that says it is too large (413) or that is compressed (415); the commit raises the same
    where that shows later. Example: :func:`file_response`.
    """
    rule = rule_of(model.__holdall__.by_name[name])
    demand_size(request.scope, rule.max_size)
    return rule.type(incoming(request.receive, rule.max_size, _SECONDS), name=name_of(request.scope))


class _FileResponse(Response):
    """A reply as an answer of the framework."""

    def __init__(self, reply: Reply, *, is_head: bool) -> None:
        super().__init__(status_code=reply.status)
        self.raw_headers = reply.headers
        self._reply = reply
        self._is_head = is_head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, with the headers that others have added."""
        await send_reply(send, replace(self._reply, headers=self.raw_headers), self._is_head)
