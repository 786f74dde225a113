"""``holdall migrate``: let a function change all records of a collection."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from holdall.app import MigrationReport
from holdall.cli.acting import Acting, As, Roles
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.plain import line, lines
from holdall.cli.target import Target, TargetText, named
from holdall.errors import HoldallError

__all__ = ["migrate"]

Collection = Annotated[str, typer.Argument(help="The collection whose records it changes.")]
Function = Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="It takes a record, and changes it.")]
Execute = Annotated[bool, typer.Option("--execute", help="Write it; without this, only tell.")]
Name = Annotated[str | None, typer.Option("--name", help="Its name: it is done once, and taken up where it stopped.")]
Batch = Annotated[int, typer.Option(min=1, max=100_000, help="Records in one commit.")]


def migrate(
    target: TargetText,
    collection: Collection,
    function: Function,
    execute: Execute = False,
    name: Name = None,
    batch: Batch = 500,
    user: As = None,
    role: Roles = None,
) -> None:
    """Let a function change all records of a collection; what it would change is only told, without --execute."""
    acting = Acting(user, role)
    app = Target(target).app
    models = {binding.collection: binding.model for binding in app.collections()}
    if collection not in models:
        raise Failure(f"there is no collection {collection!r}; there are {', '.join(sorted(models))}", MISUSE)
    change = named(function, "module:function, as in steps:slugged")
    if not callable(change):
        raise Failure(f"{function!r} is no function; a migration is a function that takes a record", MISUSE)

    async def run() -> MigrationReport:
        try:
            return await app.migrate(
                models[collection],
                change,
                dry_run=not execute,
                name=name,
                batch=batch,
                progress=_tell,
                user=await acting.user(app),
            )
        finally:
            await app.close()

    try:
        report = asyncio.run(run())
    except HoldallError as error:
        raise Failure(str(error)) from error
    print(lines(report))
    for sample in report.samples:
        changes = ", ".join(f"{field}: {before!r} -> {after!r}" for field, (before, after) in sample.changes.items())
        print(line(f"  {sample.key}: {changes}"))
    if not execute:
        print("nothing was written: --execute does")
    if report.failed:
        raise Failure(f"{report.failed} records stay as they were")


def _tell(report: MigrationReport) -> None:
    """How far it is, where somebody looks at it."""
    if sys.stderr.isatty():
        print(f"{report.seen} seen, {report.changed} changed, {report.failed} failed", file=sys.stderr)
