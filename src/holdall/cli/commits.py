"""``holdall commits``: the commits over several stores that are not over, and what can be done about each."""

from __future__ import annotations

from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.failure import Failure
from holdall.cli.plain import line
from holdall.cli.running import run_on
from holdall.cli.target import TargetText
from holdall.session import Unfinished

__all__ = ["commits"]

commits = typer.Typer(no_args_is_help=True, help="List unfinished commits over several stores, and deal with them.")

_Commit = Annotated[str, typer.Argument(help="The commit's id, as list prints it.", show_default=False)]
_Force = Annotated[bool, typer.Option("--force", help="Also where a living process holds the commit.")]
_ForceAccept = Annotated[bool, typer.Option("--force", help="Also where it is held, or could still be finished.")]


@commits.command("list")
def show_all(target: TargetText) -> None:
    """List every commit that is not over, those that other processes have under way included."""
    found = run_on(target, lambda app: app.recovery.unfinished())
    for item in found:
        stores = ", ".join(dict.fromkeys(part.store for part in item.parts))
        print(line(f"{item.commit or '(unknown)'}  {item.state.value:<8}  {stores or item.home}  {_standing(item)}"))
    if not found:
        print(f"{target}: no commit is unfinished")


@commits.command("show")
def show(target: TargetText, commit: _Commit) -> None:
    """Show one commit: every part and operation, without the values of records."""
    found = [item for item in run_on(target, lambda app: app.recovery.unfinished()) if item.commit == commit]
    if not found:
        raise Failure(f"no unfinished commit {commit}")
    (item,) = found
    print(f"commit {item.commit} of application {item.application!r}, in {item.home}: {item.state.value}")
    print(line(_standing(item)))
    for part, standing in zip(item.parts, item.standings, strict=True):
        print(line(f"{part.store}: {standing}"))
        for operation in part.operations:
            state = f", call {operation.state.value}" if part.by_call else ""
            why = f" ({operation.error})" if operation.error else ""
            print(line(f"  {operation.verb} {operation.collection}: {', '.join(operation.fields)}{state}{why}"))


@commits.command("resolve")
def resolve(target: TargetText, commit: _Commit, force: _Force = False) -> None:
    """Finish a commit now, whichever way it goes."""
    _tell(commit, run_on(target, lambda app: app.recovery.resolve(commit, force=force)))


@commits.command("retry")
def retry(target: TargetText, commit: _Commit, force: _Force = False) -> None:
    """Try again what a store refused, or what could not be undone."""
    _tell(commit, run_on(target, lambda app: app.recovery.retry(commit, force=force)))


@commits.command("compensate")
def compensate(target: TargetText, commit: _Commit, force: _Force = False) -> None:
    """Undo everything that a commit wrote, in every store."""
    left = run_on(target, lambda app: app.recovery.compensate(commit, force=force))
    _tell(commit, left, "undone: nothing that it wrote is left in any store")


@commits.command("accept")
def accept(target: TargetText, commit: _Commit, force: _ForceAccept = False) -> None:
    """Leave every store as it is and forget the commit."""

    async def act(app: Holdall) -> list[Unfinished]:
        found = [item for item in await app.recovery.unfinished() if item.commit == commit]
        await app.recovery.accept(commit, force=force)
        return found

    found = run_on(target, act)
    print(f"commit {commit} is forgotten; every store stays as it is")
    for item in found:
        for part in item.standings:
            print(line(f"{part.store}: {part}"))


def _tell(commit: str, left: Unfinished | None, end: str = "over") -> None:
    if left is None:
        print(f"commit {commit} is {end}")
        return
    errors = [f"{part.store}: {part.error}" for part in left.parts if part.error]
    raise Failure(f"commit {commit} is {left.state.value}; " + ("; ".join(errors) or _standing(left)))


def _standing(item: Unfinished) -> str:
    if item.reason:
        return f"left alone: {item.reason}"
    if item.owner:
        return f"held by process {item.owner} until {item.expires:%Y-%m-%d %H:%M:%S} UTC"
    return "held by nobody"
