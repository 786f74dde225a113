"""Records whose version cannot be read: nothing can be compared, and they are mended and removed all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from holdall import Holdall, Model, field

pytestmark = pytest.mark.anyio


class Counted(Model, collection="counted"):
    id: int = field(pk=True)
    n: int = field(default=0)
    version: int = field(version=True)


def _app(kind: str, folder: Path) -> Holdall:
    made = Holdall("versions")
    made.add_store("m", f"yaml:{folder}" if kind == "yaml" else f"sqlite:///{folder}/a.db")
    made.add(Counted, store="m")
    return made


def _spoil(kind: str, folder: Path) -> None:
    if kind == "yaml":
        file = folder / "counted/1.yaml"
        file.write_text(file.read_text().replace("version: 1", "version: x"))
    else:  # by another program: SQLite forgets the locks of a process that opens the file twice
        program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as c: c.execute(sys.argv[2])"
        statement = "update counted set version = 'x' where id = 1"
        subprocess.run([sys.executable, "-c", program, str(folder / "a.db"), statement], check=True)


@pytest.mark.parametrize("kind", ["yaml", "sqlite"])
@pytest.mark.parametrize("act", ["mend", "replace", "remove"])
async def test_they_are_mended_and_removed_beside_others(tmp_path: Path, kind: str, act: str) -> None:
    async with _app(kind, tmp_path) as app:
        await app.create()
        async with app.session() as session:
            session.add_all([Counted(id=1), Counted(id=2)])
    _spoil(kind, tmp_path)
    async with _app(kind, tmp_path) as app:
        async with app.session() as session:
            broken, other = await session.mend(Counted, 1), await session.require(Counted, 2)
            broken.n = other.n = 5
            assert len(session.plan().steps) == 1
            if act != "mend":
                session.remove(broken)
            if act == "replace":
                session.add(Counted(id=1, n=5))
        async with app.session() as session:
            found = await session.get(Counted, 1)
            assert (found and (found.n, found.version)) == (None if act == "remove" else (5, 1))
            other = await session.require(Counted, 2)
            assert (other.n, other.version) == (5, 2)
            if found is not None:
                found.n = 6
        async with app.session() as session:
            assert found is None or (await session.require(Counted, 1)).version == 2
