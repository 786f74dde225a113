"""``holdall outbox``: events that are still to be delivered, and dead letters: listed, delivered, retried, dropped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.failure import Failure
from holdall.cli.plain import line
from holdall.cli.running import run_on
from holdall.cli.target import TargetText
from holdall.errors import NotFound
from holdall.events import OutboxEntry

__all__ = ["outbox"]

outbox = typer.Typer(no_args_is_help=True, help="List events that are still to be delivered, and deal with them.")

_Entry = Annotated[str, typer.Argument(help="The entry's id, as list prints it.", show_default=False)]
_Entries = Annotated[list[str], typer.Argument(help="The entries' ids, as list prints them.", show_default=False)]
_Dead = Annotated[bool, typer.Option("--dead", help="Dead letters only.")]
_Handler = Annotated[str | None, typer.Option(help="Those for one function, by its name.")]


@outbox.command("list")
def show_all(target: TargetText, dead: _Dead = False, handler: _Handler = None) -> None:
    """List every event that waits for delivery, and every dead letter."""

    async def act(app: Holdall) -> int:
        number = 0
        async for item in app.outbox.entries(handler=handler, is_dead=True if dead else None):
            print(line(f"{item.id}  {_standing(item):<7}  {item.handler}  {_about(item)}{_why(item)}"))
            number += 1
        return number

    if not run_on(target, act):
        print(f"{target}: no event waits for delivery")


@outbox.command("show")
def show(target: TargetText, entry: _Entry) -> None:
    """Show one event, without the values of its record."""

    async def act(app: Holdall) -> OutboxEntry:
        try:
            return await app.outbox.entry(entry)
        except NotFound as error:
            raise _with_hint(target, error) from error

    item = run_on(target, act)
    print(line(f"{item.id}: {_standing(item)}, for {item.handler!r}, at try {item.attempts}{_why(item)}"))
    print(line(f"event {item.event}: {_about(item)}"))
    if item.fields:
        print(f"fields: {', '.join(item.fields)}")
    if item.at is not None:
        asked = f", request {line(item.request_id)}" if item.request_id else ""
        print(f"commit {item.commit} by {item.user_id!r} at {item.at:%Y-%m-%d %H:%M:%S} UTC{asked}")
    if item.due is not None:
        print(f"next try at {item.due:%Y-%m-%d %H:%M:%S} UTC")


@outbox.command("retry")
def retry(target: TargetText, entries: _Entries) -> None:
    """Have events delivered as if they were new."""
    _each(target, entries, lambda app, entry: app.outbox.retry(entry), "will be delivered again")


@outbox.command("drop")
def drop(target: TargetText, entries: _Entries) -> None:
    """Forget events: their functions are not told."""
    _each(target, entries, lambda app, entry: app.outbox.drop(entry), "is forgotten")


@outbox.command("deliver")
def deliver(target: TargetText) -> None:
    """Deliver now what is due; a service that runs does so by itself."""
    told = run_on(target, lambda app: app.outbox.deliver())
    print(f"delivered {told.delivered}, tried in vain {told.failed}, dead {told.dead}, waiting {told.waiting}")


def _each(target: str, entries: list[str], verb: Callable[[Holdall, str], Awaitable[None]], end: str) -> None:
    """Do it to each entry, and tell at the end which are not there."""

    async def act(app: Holdall) -> list[str]:
        missing = []
        for entry in entries:
            try:
                await verb(app, entry)
            except NotFound as error:
                missing.append(str(error))
            else:
                print(f"{entry} {end}")
        return missing

    if missing := run_on(target, act):
        raise _with_hint(target, "; ".join(missing))


def _with_hint(target: str, error: object) -> Failure:
    return Failure(f"{error}; holdall outbox list {target} prints the ids of those that there are")


def _standing(item: OutboxEntry) -> str:
    return "dead" if item.is_dead else "waiting" if item.is_known else "unknown"


def _about(item: OutboxEntry) -> str:
    return f"{item.collection} {item.key!r} {item.kind}" if not item.problem else f"{item.collection}: {item.problem}"


def _why(item: OutboxEntry) -> str:
    if item.error:
        return f" ({item.error})"
    return "" if item.is_known else " (this program has no function of this name)"
