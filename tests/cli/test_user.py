"""Passwords of accounts, as they are typed on a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from holdall.cli import Failure
from holdall.cli.user import add

_SHOP = """
from holdall import Holdall
from holdall.users import Users

app = Holdall("shop")
app.add_store("main", "memory:")
users = Users(app, store="main")
"""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_password_is_typed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "typing_shop.py").write_text(_SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.stdin", _Terminal())
    typed = ["correct horse battery", "correct horse batery", "correct horse battery", "correct horse battery"]
    monkeypatch.setattr("holdall.cli.user.getpass", lambda prompt: typed.pop(0))
    with pytest.raises(Failure, match="two passwords"):
        add("typing_shop:users", "ann")
    add("typing_shop:users", "ann")
    assert (typed, "ann has the id" in capsys.readouterr().out) == ([], True)
