"""Records sent to the service: as JSON, or together with files as a form of several parts."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import msgspec
from starlette.datastructures import UploadFile

from holdall.admin.inner import Answer
from holdall.admin.visit import Visit
from holdall.query import Value

__all__ = ["sent_record"]

_PIECE = 65_536  # bytes


async def sent_record(
    visit: Visit,
    method: str,
    path: str,
    values: Mapping[str, Value],
    files: Mapping[str, UploadFile],
    tag: str = "",
) -> Answer:
    """Send a new record, or changes of one that is still as its tag says, and return the answer.

    Where a store cannot compare tags itself, the record is looked at first.
    """
    headers = {"if-match": tag} if tag else {}
    answer = await _sent(visit, method, path, values, files, headers)
    if answer.status != 501 or not tag:
        return answer
    now = await visit.ask("GET", path)
    if not now.is_good or now.tag != tag:
        return Answer(412, {"content-type": "application/problem+json"}, b'{"type": "urn:holdall:stale"}')
    return await _sent(visit, method, path, values, files, {})


async def _sent(
    visit: Visit,
    method: str,
    path: str,
    values: Mapping[str, Value],
    files: Mapping[str, UploadFile],
    headers: Mapping[str, str],
) -> Answer:
    if not files:
        return await visit.ask(method, path, json=values, headers=headers)
    boundary = secrets.token_hex(16)
    told = {"content-type": f"multipart/form-data; boundary={boundary}", **headers}
    return await visit.ask(method, path, body=_parts(boundary, values, files), headers=told)


async def _parts(boundary: str, values: Mapping[str, Value], files: Mapping[str, UploadFile]) -> AsyncIterator[bytes]:
    """The body of a form (RFC 7578)."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="_json"\r\nContent-Type: application/json\r\n\r\n'
    yield head.encode() + msgspec.json.encode(values) + b"\r\n"
    for name, file in files.items():
        disposition = f'form-data; name="{name}"; filename="{quote(file.filename or "", safe=" ()-+.,")}"'
        yield f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
        await file.seek(0)
        while piece := await file.read(_PIECE):
            yield piece
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
