"""``holdall files``: contents that nobody refers to are collected, lost ones are told."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import run

_LIBRARY = """
from pathlib import Path

from holdall import File, Holdall, Model, field, file

here = Path(__file__).parent


class Book(Model):
    id: int = field(pk=True)
    scan: File | None = file("scans")


def shelf():
    app = Holdall("shelf")
    app.add_store("main", f"sqlite:///{here}/main.db")
    app.add(Book, store="main")
    app.add_files("scans", f"file:{here}/scans")
    return app


async def fill():
    app = shelf()
    await app.create()
    async with app.session() as session:
        session.add(Book(id=1, scan=File("one")))
    await app.close()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "shelf_with_files.py").write_text(_LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = importlib.import_module("shelf_with_files")
    asyncio.run(module.fill())
    yield tmp_path
    del sys.modules["shelf_with_files"]


def test_collect_and_check(folder: Path) -> None:
    target = "shelf_with_files:shelf"
    orphan = folder / "scans" / "ab" / "c" / ("abc" + "0" * 37)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"")
    counted = run(folder, "holdall", "files", "collect", target, "--grace", "0", "--dry-run")
    assert (counted.code, counted.output.strip()) == (0, "scans: 2 contents, 1 without a record, 0 deleted")
    assert orphan.exists()
    collected = run(folder, "holdall", "files", "collect", target, "--grace", "0")
    assert collected.output.strip() == "scans: 2 contents, 1 without a record, 1 deleted"
    assert not orphan.exists()
    whole = run(folder, "holdall", "files", "check", target)
    assert (whole.code, whole.output.strip()) == (0, f"{target}: every file is there")
    next((folder / "scans").glob("??/?/*")).unlink()
    lost = run(folder, "holdall", "files", "check", target)
    assert lost.code == 1
    assert "1 files are lost:\n  book 1: the content of scan is not there" in lost.errors
