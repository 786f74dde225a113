"""``holdall db``: revisions of tables, made from the models, read by people and carried out in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from holdall.app import Revising
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError
from holdall.store import Revision

__all__ = ["db"]

T = TypeVar("T")

Folder = Annotated[Path, typer.Option("--folder", help="Where the revisions are, a folder for each store.")]
Only = Annotated[str | None, typer.Option("--store", help="Only this store.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Its purpose, in a few words.")]
Rename = Annotated[list[str] | None, typer.Option("--rename", help="book.titel=title, or book=volume for a table.")]
Fill = Annotated[
    list[str] | None, typer.Option("--fill", help="book.pages=0: the value of records that have none yet.")
]
Empty = Annotated[bool, typer.Option("--empty", help="Leave the steps to be written by hand.")]
Baseline = Annotated[
    bool, typer.Option("--baseline", help="The first revision of tables that create made; here it is noted as done.")
]
Goal = Annotated[str, typer.Argument(help="A revision, the beginning of its name, head or base.")]
Begin = Annotated[str, typer.Option("--from", help="The revision from which the SQL leads on.")]

_FOLDER = Path("revisions")

db = typer.Typer(help="Revisions of the tables: made from the models, read, carried out.", no_args_is_help=True)


@db.command()
def revision(
    target: TargetText,
    message: Message,
    rename: Rename = None,
    fill: Fill = None,
    empty: Empty = False,
    baseline: Baseline = False,
    store: Only = None,
    folder: Folder = _FOLDER,
) -> None:
    """Write the next revision: all that makes of the tables what the models say."""
    renames, fills = _pairs(rename), _pairs(fill)

    def make(all_: Revising) -> Awaitable[dict[str, Revision]]:
        return all_.make(message, store=store, renames=renames, fills=fills, is_empty=empty, is_baseline=baseline)

    made = _run(target, folder, make)
    for name, each in made.items():
        print(f"{name}: {each.file}")
    if not made:
        print(f"{target}: the tables are as the models say, and no revision is needed")
        print("A first revision of tables that create made, for other databases, is written with --baseline")


@db.command()
def upgrade(target: TargetText, goal: Goal = "head", store: Only = None, folder: Folder = _FOLDER) -> None:
    """Carry out the revisions that are missing."""
    done = _run(target, folder, lambda all_: all_.upgrade(goal, store=store))
    for name, revisions in done.items():
        for each in revisions:
            print(f"{name}: {each.name} {each.message}")
    if not any(done.values()):
        print(f"{target}: nothing is missing")


@db.command()
def downgrade(target: TargetText, goal: Goal, store: Only = None, folder: Folder = _FOLDER) -> None:
    """Take back the revisions after this one."""
    for name, revisions in _run(target, folder, lambda all_: all_.downgrade(goal, store=store)).items():
        for each in reversed(revisions):
            print(f"{name}: {each.name} {each.message} is taken back")


@db.command()
def check(target: TargetText, store: Only = None, folder: Folder = _FOLDER) -> None:
    """Fail where a revision is not carried out, or a new one would change something."""

    async def look(all_: Revising) -> list[str]:
        lines = [
            f"{name}: {each.name} {each.message} is not carried out: holdall db upgrade {target}"
            for name, revisions in (await all_.history(store=store)).items()
            for each in revisions
            if not each.is_applied
        ]
        drift = await all_.drift(store=store)
        lines += [f"{name}: {told}" for name, found in drift.items() for told in found]
        return [*lines, f"to be made a revision: holdall db revision {target} -m …"] if drift else lines

    lines = _run(target, folder, look)
    if lines:
        raise Failure("the tables are not as the models say:\n" + "\n".join(lines))
    print(f"{target}: the tables are as the models say")


@db.command()
def stamp(target: TargetText, goal: Goal = "head", store: Only = None, folder: Folder = _FOLDER) -> None:
    """Note that the tables are as a revision leaves them, and change nothing else."""
    _run(target, folder, lambda all_: all_.stamp(goal, store=store))
    print(f"{target}: noted")


@db.command()
def history(target: TargetText, store: Only = None, folder: Folder = _FOLDER) -> None:
    """List the revisions, and say which are carried out."""
    found = _run(target, folder, lambda all_: all_.history(store=store))
    for name, revisions in found.items():
        for each in revisions:
            print(f"{name}: {each.name} {'done' if each.is_applied else 'to do'} {each.message}")
    if not any(found.values()):
        print(f"{target}: there is no revision in {folder} yet")


@db.command()
def sql(
    target: TargetText, goal: Goal = "head", start: Begin = "base", store: Only = None, folder: Folder = _FOLDER
) -> None:
    """Print the SQL of revisions, for somebody else to run; a SQLite table that is made anew needs the file itself."""

    async def write(all_: Revising) -> str:
        return "\n".join(all_.script(start, goal, store=store).values())

    print(_run(target, folder, write))


def _pairs(given: list[str] | None) -> dict[str, str]:
    found = {}
    for each in given or []:
        name, equals, value = each.partition("=")
        if not equals:
            raise Failure(f"{each!r} is not of the form name=value", MISUSE)
        found[name] = value
    return found


def _run(target: str, folder: Path, act: Callable[[Revising], Awaitable[T]]) -> T:
    app = Target(target).app

    async def run() -> T:
        try:
            return await act(app.revisions(folder))
        finally:
            await app.close()

    try:
        return asyncio.run(run())
    except HoldallError as error:
        raise Failure(str(error)) from error
