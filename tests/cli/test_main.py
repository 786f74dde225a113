"""The program itself: groups, completion, ``--verbose`` and ``--version``, and one line for every failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.cli.program import program
from tests.support.terminal import Said, invoke


def test_the_help_is_grouped_and_tells_exit_codes(tmp_path: Path) -> None:
    said = invoke(tmp_path, "--help").output
    titles = ("Begin", "Run", "Records", "Look after")
    assert [said.index(title) for title in titles] == sorted(said.index(title) for title in titles)
    assert "70 a fault in code" in said


def test_the_version_is_told(tmp_path: Path) -> None:
    assert invoke(tmp_path, "--version").output.startswith("holdall 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HOLDALL_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "holdall que")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("COMP_WORDS", "holdall que")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "query" in invoke(tmp_path).output


def test_every_command_says_what_it_does() -> None:
    told = {each.name or each.callback.__name__: each.callback.__doc__ for each in program.registered_commands}  # type: ignore[union-attr]
    assert {name for name, text in told.items() if not text} == set()
    assert {each.rich_help_panel for each in program.registered_commands} == {"Begin", "Run", "Records", "Look after"}


def failing(folder: Path, source: str, *more: str) -> Said:
    (folder / "broken.py").write_text(source)
    return invoke(folder, "check", "broken:app", *more)


def test_verbose_may_stand_anywhere_and_shows_the_traceback(tmp_path: Path) -> None:
    source = "raise KeyError('x')"
    plain = failing(tmp_path, source)
    assert (plain.code, "Traceback" in plain.errors) == (1, False)
    assert f"fails at {tmp_path}/broken.py:1 with KeyError: 'x'" in plain.errors
    assert "Traceback" in failing(tmp_path, source, "--verbose").errors
    assert "Traceback" in invoke(tmp_path, "--verbose", "check", "broken:app").errors
    assert "Traceback" not in invoke(tmp_path, "call", "broken:app", "x", "--", "--verbose").errors


def test_a_fault_in_code_has_a_code_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("holdall.cli.check.prepare", fails)
    source = "from holdall import Holdall\napp = Holdall('x')\n"
    said = failing(tmp_path, source)
    assert (said.code, said.output) == (70, "")
    assert "with ZeroDivisionError: planted; --verbose shows the traceback" in said.errors


def test_ctrl_c_ends_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("holdall.cli.check.prepare", interrupted)
    assert failing(tmp_path, "from holdall import Holdall\napp = Holdall('x')\n").code == 130


def test_serving_anew_is_for_one_process(tmp_path: Path) -> None:
    refused = invoke(tmp_path, "serve", "broken:app", "--reload", "--workers", "2")
    assert (refused.code, "choose one" in refused.errors) == (2, True)
