"""``holdall fsck``: can all records be read, and do all references hold, over all stores?"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from holdall.app import FsckProgress, FsckReport
from holdall.cli.failure import Failure
from holdall.cli.plain import line, lines
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError

__all__ = ["fsck"]

Repair = Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")]
Start = Annotated[str | None, typer.Option("--from", help="Take it up again at a position it has told.")]
Batch = Annotated[int, typer.Option(min=1, max=100_000, help="Records looked at together.")]


def fsck(target: TargetText, repair: Repair = False, start: Start = None, batch: Batch = 1_000) -> None:
    """Look for records that cannot be read and references that do not hold; only --repair changes anything."""
    app = Target(target).app

    async def look() -> FsckReport:
        try:
            return await app.fsck(repair=repair, batch=batch, start=start, progress=_tell)
        finally:
            await app.close()

    try:
        report = asyncio.run(look())
    except HoldallError as error:
        raise Failure(str(error)) from error
    if not report.is_whole:
        raise Failure(
            f"not everything is as it should be:\n{report}"
            + ("" if repair else "\nWhat can be repaired is by --repair.")
        )
    print(lines(f"{target}: {report}"))


def _tell(progress: FsckProgress) -> None:
    """How far it is, where somebody looks at it."""
    if sys.stderr.isatty():
        print(line(f"{progress.checked} checked, {progress.found} found, at {progress.position}"), file=sys.stderr)
