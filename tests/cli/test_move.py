"""``holdall move``: what it tells, does, gives up and drops."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from holdall.cli.failure import Failure
from holdall.cli.move import move as command
from tests.support.moving_writers import Counted, application


def _stores(folder: Path) -> dict[str, str]:
    return {"main": f"sqlite:///{folder}/main.db", "other": f"sqlite:///{folder}/other.db", "files": f"yaml:{folder}/y"}


def test_the_command_tells_moves_gives_up_and_drops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counting.py").write_text(
        f"from tests.support.moving_writers import application\napp = application({_stores(tmp_path)!r}, 'main')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    target = "counting:app"
    asyncio.run(_filled(tmp_path))
    command(target, "counted", to="other")
    told = capsys.readouterr().out
    assert "counted: main -> other, planned; 1 records, nothing was written\n--execute moves it" in told
    with pytest.raises(Failure, match="loses transactions"):
        command(target, "counted", to="files", execute=True)
    with pytest.raises(Failure, match="is not being moved"):
        command(target, "counted", to="other", cancel=True)
    command(target, "counted", to="other", execute=True)
    assert "counted: main -> other, moved; 1 copied" in capsys.readouterr().out
    command(target, "counted", drop="main")
    assert "counted: main -> other, ended" in capsys.readouterr().out
    with pytest.raises(Failure, match="say where it goes"):
        command(target, "counted")
    with pytest.raises(Failure, match="say where it goes"):
        command(target, "counted", to="other", drop="main")
    with pytest.raises(Failure, match="there is no collection 'colours'"):
        command(target, "colours", to="other")
    sys.modules.pop("counting")


async def _filled(folder: Path) -> None:
    app = application(_stores(folder), "main")
    await app.create()
    async with app.session() as session:
        session.add(Counted(id=1))
    await app.close()
