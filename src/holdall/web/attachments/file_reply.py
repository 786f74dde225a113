"""The answer that a file is: its content, a range of it, or that the client has it already."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from holdall.files import File
from holdall.web.asgi import Header, Scope, header_list
from holdall.web.attachments.disposition import disposition
from holdall.web.attachments.ranges import range_of
from holdall.web.conditional import NOT_MET, is_unmodified, last_modified, meets_if_match, meets_if_none_match
from holdall.web.problem import Problem
from holdall.web.reply import Reply, unchanged_reply

__all__ = ["NO_FILE", "file_reply", "headers_of", "tag_of"]

NO_FILE = Problem(404, "not-found", "There is no such file.")
_SMALL = 1 << 17  # bytes that are sent as other bodies are: as a whole, and not for as long as the client likes


async def file_reply(scope: Scope, file: File | None) -> Reply:
    """Answer a GET or HEAD. Raises Problem without a file (404), for another state than the request expects (412) and a
    range that has no byte (416); FileMissing where the content is lost, before the answer begins.
    """
    if file is None:
        raise NO_FILE
    tag = tag_of(file)
    if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if if_match is not None and not meets_if_match(if_match, tag):
        raise NOT_MET
    if if_none_match is not None and not meets_if_none_match(if_none_match, tag):
        return unchanged_reply(tag)
    moment = file.created.replace(microsecond=0)
    if is_unmodified(scope, moment, b"if-modified-since", b"if-none-match"):
        return unchanged_reply(tag)
    is_get = scope["method"] == "GET"
    wanted = range_of(scope, file.size, tag) if is_get else None
    start, stop = wanted or (0, file.size)
    headers = [*headers_of(file.type, file.name, tag), *last_modified(moment), (b"accept-ranges", b"bytes")]
    headers.append((b"content-length", b"%d" % (stop - start)))
    if wanted is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, file.size)))
    status = 200 if wanted is None else 206
    if not is_get or start == stop:
        return Reply(status, headers)
    pieces = file.chunks(start, stop)
    first = await anext(pieces, b"")
    if len(first) == stop - start <= _SMALL and await anext(pieces, None) is None:
        return Reply(status, headers, first)
    return Reply(status, headers, first, _rest(pieces))


def tag_of(file: File) -> bytes:
    """The tag of a file: that of its content."""
    return b'"' + file.sha256.encode() + b'"'


def headers_of(media_type: str, name: str, tag: bytes) -> list[Header]:
    """The headers of any content: what it is, that it is nothing else, and that nobody shares it."""
    text = b"; charset=utf-8" if media_type.startswith("text/") else b""
    return [
        (b"content-type", media_type.encode() + text),
        (b"content-disposition", disposition(media_type, name)),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cache-control", b"private, no-cache"),
        (b"etag", tag),
    ]


async def _rest(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for piece in pieces:
        yield piece
