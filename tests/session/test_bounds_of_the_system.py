"""A full disk, files that may not grow and a process without descriptors: a typed error says so, and work goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.errors import CommitAborted, StoreFull
from holdall.testing.service_client import AsyncServiceClient
from tests.support.sources import HOUSE

URLS = {"sqlite": "sqlite:///{}/test.db", "yaml": "yaml:{}/records"}


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = ""


def bounded(tmp_path: Path, kind: str, bound: str) -> dict[str, Any]:
    url = URLS[kind].format(tmp_path)
    command = [sys.executable, "-m", "tests.support.bounded_process", bound, url, f"file:{tmp_path}/scans"]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", URLS)
def test_files_that_may_not_grow(tmp_path: Path, kind: str) -> None:
    found = bounded(tmp_path, kind, "size")
    assert found["text"][:2] == ["CommitAborted", "StoreFull" if kind == "yaml" else "StoreUnavailable"]
    assert "ulimit -f" in found["text"][-1]
    assert found["content"][0] == "StoreFull"
    assert found["stored"] == [1, 4, 5]


@pytest.mark.parametrize("kind", URLS)
def test_a_process_without_descriptors(tmp_path: Path, kind: str) -> None:
    found = bounded(tmp_path, kind, "descriptors")
    assert found["text"][:2] == ["CommitAborted", "StoreUnavailable"]
    assert "too many files open" in found["text"][-1]
    assert found["content"][0] == "StoreUnavailable"
    assert found["stored"] == [1, 4, 5]


@pytest.mark.anyio
async def test_a_full_disk_is_a_507_and_reading_goes_on(tmp_path: Path) -> None:
    app = Holdall("full")
    app.add_store("main", f"sqlite:///{tmp_path}/test.db")
    app.add(Note, store="main", policy=Policy(read=Everyone, write=Everyone))
    await app.create()
    store: Any = app.stores["main"]

    async def bound(pages: int) -> None:
        await store._database.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())

    async with AsyncServiceClient(app.asgi()) as client:
        await client.post("/notes", {"id": 1})
        await bound(20)
        text = "x" * 200_000
        with pytest.raises(CommitAborted) as refused:
            async with app.session() as session:
                session.add(Note(id=2, text=text))
        assert isinstance(refused.value.__cause__, StoreFull)
        assert "free some space" in str(refused.value)
        answer = await client.post("/notes", {"id": 2, "text": text}, expect=507)
        assert answer.json()["type"] == "urn:holdall:full"
        await client.patch("/notes?id__gt=0", {"text": text}, expect=507)
        answer = await client.get("/notes")
        assert [each["text"] for each in answer.json()["data"]] == [""]
        await bound(1_000_000)
        await client.post("/notes", {"id": 2, "text": text})
    await app.close()
