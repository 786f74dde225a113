"""Raw: a file per path, written by one thread call a part, synced and moved into place; read in parts of a MiB."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["BENCH_DATABASE"] + ".files")
_FOLDER.mkdir(exist_ok=True)
_PART = 1 << 20


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer PUT and GET of ``/books/<name>/scan``."""
    if scope["type"] != "http":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    name = scope["path"].replace("/", "_")
    if scope["method"] == "PUT":
        await _put(name, receive)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
    else:
        await _get(name, send)


async def _put(name: str, receive: Any) -> None:
    place = _FOLDER / f"{name}.{id(receive)}"
    with place.open("wb", buffering=0) as opened:
        more, held, size = True, [], 0
        while more:
            message = await receive()
            more = message.get("more_body", False)
            held.append(message.get("body", b""))
            size += len(held[-1])
            if size >= _PART or not more:
                await asyncio.to_thread(opened.writelines, held)
                held, size = [], 0
        await asyncio.to_thread(os.fsync, opened.fileno())
    place.rename(_FOLDER / name)


async def _get(name: str, send: Any) -> None:
    with (_FOLDER / name).open("rb", buffering=0) as opened:
        length = os.fstat(opened.fileno()).st_size
        headers = [(b"content-length", b"%d" % length), (b"content-type", b"application/octet-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while part := await asyncio.to_thread(opened.read, _PART):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
