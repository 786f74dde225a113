"""The cells of the authorisation matrix that are about files: which are read and written, by which door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from tests.support.authorisation_matrix import Asking, Cell, said
from tests.support.office import CONTENTS, DOCS, FILES, Scan, files, sees

__all__ = ["FILE_DOORS", "of_files"]

_BOUNDARY = "multipart/form-data; boundary=b"
FILE_DOORS: dict[str, tuple[str, str, dict[str, str]]] = {
    "file": ("GET", "scans/{key}/{name}", {}),
    "head of file": ("HEAD", "scans/{key}/{name}", {}),
    "range of file": ("GET", "scans/{key}/{name}", {"range": "bytes=0-8"}),
    "tag of file": ("GET", "scans/{key}/{name}", {"if-match": "*"}),
    "put of file": ("PUT", "scans/{key}/{name}", {}),
    "delete of file": ("DELETE", "scans/{key}/{name}", {}),
    "form with file": ("PATCH", "scans/{key}", {"content-type": _BOUNDARY}),
    "patch of file": ("PATCH", "scans/{key}", {"content-type": "application/json"}),
}
"""Ways to a file: method, path and headers."""


async def of_files(asking: Asking) -> AsyncIterator[Cell]:
    """Every cell of one user."""
    user = asking.user
    for door, (method, _, _) in FILE_DOORS.items():
        is_read = method in ("GET", "HEAD")
        for name, (readers, writers) in FILES.items():
            absent = await _at_file(asking, door, 777, name)
            for doc in DOCS:
                answer = await _at_file(asking, door, doc["id"], name)
                is_seen = sees(user, doc)
                may_read = is_seen and user in readers
                may = may_read if is_read else is_seen and user in writers and _changes(user, doc)
                is_done = answer.status in (200, 201, 204, 206)
                is_leak = is_done and not may
                if not is_seen or (user not in readers and is_read):
                    is_leak = is_leak or said(answer, name) != said(absent, name)
                if not may_read:
                    is_leak = is_leak or CONTENTS[name].encode() in answer.body
                yield Cell(user, f"{name} {doc['id']}", door, is_leak, may and not is_done)


def _changes(user: str, doc: dict[str, Any]) -> bool:
    """Whether somebody may change a paper that he sees."""
    return user in ("boss", "clerk") or doc["owner"] == user or (user == "tom" and doc["team"] == 1)


async def _at_file(asking: Asking, door: str, key: int, name: str) -> Any:
    """The answer of a door; what it wrote is undone."""
    method, path, headers = FILE_DOORS[door]
    part = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\nnew\r\n--b--\r\n'
    bodies = {
        "put of file": b"new",
        "form with file": part.encode(),
        "patch of file": json.dumps({name: None}).encode(),
    }
    headers = {"x-user": asking.user, **headers}
    url = "/" + path.format(key=key, name=name)
    answer = await asking.client.request(method, url, body=bodies.get(door, b""), headers=headers)
    if method not in ("GET", "HEAD") and answer.status < 400:
        async with asking.app.session() as session:
            setattr(await session.require(Scan, key), name, files()[name])
    return answer
