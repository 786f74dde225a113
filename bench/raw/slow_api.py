"""An API that takes its time: ``/<milliseconds>/<collection>``, or ``/varied/…`` for 2 to 40 ms by what is sent."""

from __future__ import annotations

import asyncio
import json
import zlib
from itertools import count
from typing import Any

_KEYS = count(1)
_JSON = (b"content-type", b"application/json")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers POST with the record and a key of its own, GET with the record asked for."""
    if scope["type"] != "http":
        return
    pace, _, rest = scope["path"][1:].partition("/")
    body = (await receive()).get("body", b"")
    if pace == "varied":
        await asyncio.sleep((2 + zlib.crc32(body) % 39) / 1000)
    elif pace != "0":
        await asyncio.sleep(int(pace) / 1000)
    if scope["method"] == "POST":
        answer = json.dumps({**json.loads(body), "id": next(_KEYS)}).encode()
    else:
        answer = b'{"id": %b, "name": "a company"}' % rest.rpartition("/")[2].encode()
    headers = [_JSON, (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
