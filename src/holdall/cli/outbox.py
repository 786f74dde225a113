"""``holdall outbox``: events that are still to be delivered, and dead letters: listed, delivered, retried, dropped."""

from __future__ import annotations

from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.running import run_on
from holdall.cli.target import TargetText
from holdall.events import OutboxEntry

__all__ = ["outbox"]

outbox = typer.Typer(no_args_is_help=True, help="List events that are still to be delivered, and deal with them.")

_Entry = Annotated[str, typer.Argument(help="The entry's id, as list prints it.", show_default=False)]
_Dead = Annotated[bool, typer.Option("--dead", help="Dead letters only.")]
_Handler = Annotated[str | None, typer.Option(help="Those for one function, by its name.")]


@outbox.command("list")
def show_all(target: TargetText, dead: _Dead = False, handler: _Handler = None) -> None:
    """List every event that waits for delivery, and every dead letter."""

    async def act(app: Holdall) -> int:
        number = 0
        async for item in app.outbox.entries(handler=handler, is_dead=True if dead else None):
            print(f"{item.id}  {_standing(item):<7}  {item.handler}  {_about(item)}{_why(item)}")
            number += 1
        return number

    if not run_on(target, act):
        print(f"{target}: no event waits for delivery")


@outbox.command("show")
def show(target: TargetText, entry: _Entry) -> None:
    """Show one event, without the values of its record."""
    item = run_on(target, lambda app: app.outbox.entry(entry))
    print(f"{item.id}: {_standing(item)}, for {item.handler!r}, after {item.attempts} tries{_why(item)}")
    print(f"event {item.event}: {_about(item)}")
    if item.fields:
        print(f"fields: {', '.join(item.fields)}")
    if item.at is not None:
        asked = f", request {item.request_id}" if item.request_id else ""
        print(f"commit {item.commit} by {item.user_id!r} at {item.at:%Y-%m-%d %H:%M:%S} UTC{asked}")
    if item.due is not None:
        print(f"next try at {item.due:%Y-%m-%d %H:%M:%S} UTC")


@outbox.command("retry")
def retry(target: TargetText, entry: _Entry) -> None:
    """Have one event delivered as if it were new."""
    run_on(target, lambda app: app.outbox.retry(entry))
    print(f"{entry} will be delivered again")


@outbox.command("drop")
def drop(target: TargetText, entry: _Entry) -> None:
    """Forget one event: its function is not told."""
    run_on(target, lambda app: app.outbox.drop(entry))
    print(f"{entry} is forgotten")


@outbox.command("deliver")
def deliver(target: TargetText) -> None:
    """Deliver now what is due; a service that runs does so by itself."""
    told = run_on(target, lambda app: app.outbox.deliver())
    print(f"delivered {told.delivered}, tried in vain {told.failed}, dead {told.dead}, waiting {told.waiting}")


def _standing(item: OutboxEntry) -> str:
    return "dead" if item.is_dead else "waiting" if item.is_known else "unknown"


def _about(item: OutboxEntry) -> str:
    return f"{item.collection} {item.key!r} {item.kind}" if not item.problem else f"{item.collection}: {item.problem}"


def _why(item: OutboxEntry) -> str:
    if item.error:
        return f" ({item.error})"
    return "" if item.is_known else " (this program has no function of this name)"
