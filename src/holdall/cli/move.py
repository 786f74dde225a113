"""``holdall move``: let a collection lie in another store, while programs write it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Annotated

import typer

from holdall.app import Holdall, MoveReport
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.plain import lines
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError
from holdall.model import Model

__all__ = ["move"]

Collection = Annotated[str, typer.Argument(help="The collection that is moved.")]
To = Annotated[str | None, typer.Option("--to", help="The store that it goes to.")]
Execute = Annotated[bool, typer.Option("--execute", help="Move it; without this, only tell.")]
Accept = Annotated[list[str] | None, typer.Option("--accept", help="A loss, by its name; may be given several times.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Stop moving it, and remove what was copied.")]
Drop = Annotated[
    str | None, typer.Option("--drop", help="The store it was moved away from, to drop what was left there.")
]
Batch = Annotated[int, typer.Option(min=1, max=100_000, help="Records written together.")]


def move(
    target: TargetText,
    collection: Collection,
    to: To = None,
    execute: Execute = False,
    accept: Accept = None,
    cancel: Cancel = False,
    drop: Drop = None,
    batch: Batch = 500,
) -> None:
    """Move a collection to another store while programs write it; without --execute it is only told what that means.

    A move that was stopped goes on when it is run again. Once the settings of all programs name the new store, --drop
    drops what was left in the old one.
    """
    app = Target(target).app
    models = {binding.collection: binding.model for binding in app.collections()}
    if collection not in models:
        raise Failure(f"there is no collection {collection!r}; there are {', '.join(sorted(models))}", MISUSE)
    if (to is None) == (drop is None) or (cancel and to is None):
        raise Failure("say where it goes, by --to, or which store it has left, by --drop", MISUSE)
    try:
        report = asyncio.run(_moved(app, models[collection], to, drop, execute, cancel, tuple(accept or ()), batch))
    except HoldallError as error:
        raise Failure(str(error)) from error
    print(lines(report))
    if report.state == "planned":
        accepts = "".join(f" --accept {each.name!r}" for each in report.losses)
        print(f"--execute{accepts} moves it")


async def _moved(
    app: Holdall,
    model: type[Model],
    to: str | None,
    drop: str | None,
    execute: bool,
    cancel: bool,
    accept: tuple[str, ...],
    batch: int,
) -> MoveReport:
    try:
        if drop is not None:
            return await app.end_move(model, source=drop)
        assert to is not None
        if cancel:
            return await app.cancel_move(model, to=to)
        tell = partial(_tell, batch)
        return await app.move(model, to=to, dry_run=not execute, accept=accept, batch=batch, progress=tell)
    finally:
        await app.close()


def _tell(batch: int, report: MoveReport) -> None:
    """How far it is, where somebody looks at it; and how many records go together, where that are not those asked."""
    if sys.stderr.isatty():
        together = "" if report.batch in (None, batch) else f", {report.batch} together"
        print(f"{report.state}: {report.copied} copied, {report.compared} compared{together}", file=sys.stderr)
