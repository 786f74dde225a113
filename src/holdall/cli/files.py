"""``holdall files``: collect contents that no record refers to, and check that every file is there."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdall.app import CollectedFiles, LostFile
from holdall.cli.failure import Failure
from holdall.cli.plain import lines
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError

__all__ = ["files"]

_SHOWN = 20

files = typer.Typer(help="Look after the contents of files.", no_args_is_help=True)
Grace = Annotated[float, typer.Option(min=0, help="Seconds for which a content is left alone after it was written.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count them only.")]


@files.command()
def collect(target: TargetText, grace: Grace = 3_600.0, dry_run: DryRun = False) -> None:
    """Delete contents that no record refers to."""
    app = Target(target).app

    async def work() -> list[CollectedFiles]:
        try:
            return await app.collect_files(grace=grace, dry_run=dry_run)
        finally:
            await app.close()

    try:
        reports = asyncio.run(work())
    except HoldallError as error:
        raise Failure(str(error)) from error
    for report in reports:
        print(lines(report))


@files.command()
def check(target: TargetText) -> None:
    """Look whether the content of every file is there."""
    app = Target(target).app

    async def work() -> list[LostFile]:
        try:
            return await app.check_files()
        finally:
            await app.close()

    try:
        lost = asyncio.run(work())
    except HoldallError as error:
        raise Failure(str(error)) from error
    if lost:
        shown = "\n  ".join(map(str, lost[:_SHOWN]))
        raise Failure(f"{len(lost)} files are lost:\n  {shown}")
    print(f"{target}: every file is there")
