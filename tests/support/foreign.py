"""What ``holdall inspect`` writes for the data of others: kept in a folder, checked and run."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.sources import HOUSE
from tests.support.terminal import run

__all__ = ["inspected", "is_type_checked", "runs"]


def inspected(folder: Path, *arguments: str, module: str = "found") -> str:
    """The module that is written; kept in the folder."""
    written = run(folder, "holdall", "inspect", *arguments)
    assert (written.code, written.errors) == (0, ""), written.errors
    (folder / f"{module}.py").write_text(written.output)
    return written.output


def runs(folder: Path, program: str, module: str = "found") -> str:
    """See that ``check`` finds no difference, and return what a program around the models prints."""
    checked = run(folder, "holdall", "check", f"{module}:app")
    assert (checked.code, checked.errors) == (0, ""), checked.output + checked.errors
    (folder / "program.py").write_text(program)
    done = run(folder, "program")
    assert (done.code, done.errors) == (0, ""), done.errors
    return done.output


def is_type_checked(written: str, name: str, **places: str) -> None:
    """See that a module is the one in ``tests/typing/inspected``, which both type checkers read in ``make check``.

    Each of ``places`` is a URL of this run, by what stands for it there. ``KEEP_INSPECTED=1`` keeps the module.
    """
    for stand_in, url in places.items():
        written = written.replace(url, f"{stand_in}://")
        if database := urlsplit(url).path.strip("/"):
            written = written.replace(f'"{database}"', f'"{name}"')  # the application is called like it
    kept = HOUSE / "tests" / "typing" / "inspected" / f"{name}.py"
    if os.environ.get("KEEP_INSPECTED"):
        kept.write_text(written)
    assert written == kept.read_text(), "run this test with KEEP_INSPECTED=1, then make check"
