"""Uploads that are cut at every 64 KiB leave nothing that anybody could see; large ones take little memory."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, File, GiB, Holdall, MiB, Model, Policy, field, file
from tests.support.gallery import contents_in

_STEP = 1 << 16
_WHOLE = bytes(range(256)) * (4 * _STEP // 256 * 4)  # a MiB
_HEAD = b'--b\r\nContent-Disposition: form-data; name="_json"\r\n\r\n{"id": 8}\r\n'
_HEAD += b'--b\r\nContent-Disposition: form-data; name="scan"; filename="a"\r\n\r\n'
_FORM = _HEAD + _WHOLE + b"\r\n--b--\r\n"


class Sheet(Model, collection="sheets"):
    id: int = field(pk=True)
    scan: File | None = file("scans", max_size=6 * GiB)


def sheets(folder: Path) -> Holdall:
    app = Holdall("sheets")
    app.add_store("main", f"sqlite:///{folder}/sheets.db")
    app.add(Sheet, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add_files("scans", f"file:{folder}/scans")
    return app


async def sent(
    service: Any,
    method: str,
    path: str,
    parts: AsyncIterator[bytes],
    headers: dict[bytes, bytes] = {},  # noqa: B006 - it is not written to
    *,
    is_cut: bool = False,
) -> int:
    """The status of an answer to a body of these parts, or to one that is cut behind them; 0 where there is none."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
    }
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {}}
    scope |= {"headers": list(headers.items()), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    found = 0

    async def receive() -> dict[str, Any]:
        part = await anext(parts, None)
        if part is None and is_cut:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def send(message: Any) -> None:
        nonlocal found
        found = message.get("status", found)

    await service(scope, receive, send)
    return found


async def _parts(whole: bytes, cut: int) -> AsyncIterator[bytes]:
    for place in range(0, cut, _STEP):
        yield whole[place : min(place + _STEP, cut)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Holdall]:
    made = sheets(tmp_path)
    asyncio.run(made.create())
    yield made
    asyncio.run(made.close())


def test_uploads_cut_at_every_64_kib(app: Holdall, tmp_path: Path) -> None:
    async def cut_everywhere() -> list[int]:
        service, found = app.asgi(), list[int]()
        async with app.session() as session:
            session.add(Sheet(id=7, scan=File(b"kept")))
        form = {b"content-type": b"multipart/form-data; boundary=b"}
        for cut in range(0, len(_WHOLE) + 1, _STEP):
            found.append(await sent(service, "PUT", "/sheets/7/scan", _parts(_WHOLE, cut), is_cut=True))
            found.append(await sent(service, "POST", "/sheets", _parts(_FORM, cut), form, is_cut=True))
            found.append(await sent(service, "PATCH", "/sheets/7", _parts(_FORM, cut), form, is_cut=True))
            assert [path.read_bytes() for path in contents_in(tmp_path / "scans")] == [b"kept"]
        async with app.session() as session:
            found += [sheet.id - 7 for sheet in await session.query(Sheet.where())]
        return found

    assert set(asyncio.run(cut_everywhere())) == {0}


async def _zeros(size: int) -> AsyncIterator[bytes]:
    piece = bytes(_STEP)
    for _ in range(size // _STEP):
        yield piece


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_large_files_take_little_memory(app: Holdall, method: str) -> None:
    size, most = 48 * MiB, 16 * MiB

    async def read(service: Any) -> None:
        async with app.session() as session:
            sheet = await session.require(Sheet, 7)
            assert sheet.scan is not None
            assert sum([len(piece) async for piece in sheet.scan.chunks()]) == size
        assert await sent(service, "GET", "/sheets/7/scan", _zeros(0)) == 200

    async def work() -> int:
        service = app.asgi()
        async with app.session() as session:
            sheet = session.add(Sheet(id=7))
            if method == "GET":
                sheet.scan = File(_zeros(size))
        tracemalloc.start()
        if method == "GET":
            await read(service)
        else:
            assert await sent(service, "PUT", "/sheets/7/scan", _zeros(size)) == 201
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert asyncio.run(work()) < most


@pytest.mark.skipif(not os.environ.get("LARGE_FILES"), reason="make large-files sends 5 GiB")
def test_5_gib_within_64_mib(tmp_path: Path) -> None:
    """In a program of its own, so that its memory is told from that of the tests; the bytes on the disk are zeros."""
    program = [sys.executable, "-m", "tests.web.attachments.test_cut_uploads", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 * 1024  # KiB


async def _send_large(folder: Path) -> int:
    app = sheets(folder)
    await app.create()
    service = app.asgi()
    async with app.session() as session:
        session.add(Sheet(id=7, scan=File(_zeros(MiB))))
    await sent(service, "GET", "/sheets/7/scan", _zeros(0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert await sent(service, "PUT", "/sheets/7/scan", _zeros(5 * GiB)) == 200
    assert await sent(service, "GET", "/sheets/7/scan", _zeros(0)) == 200
    await app.close()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


if __name__ == "__main__":
    print(asyncio.run(_send_large(Path(sys.argv[1]))))
