"""``holdall shell``: a Python prompt with the application, its models and a session at hand."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Annotated, Any

import typer

import holdall
from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles
from holdall.cli.console import Console, complete
from holdall.cli.target import Target, TargetText
from holdall.session import Session

__all__ = ["shell"]

Source = Annotated[str | None, typer.Option("-c", metavar="CODE", help="Run this in place of a prompt.")]
_WORDS = ("asc", "desc", "User")


def shell(target: TargetText, source: Source = None, user: As = None, role: Roles = None) -> None:
    """Open a prompt with `app`, `session` and every model; `await` works, `await session.commit()` writes.

    A program on the standard input, or by -c, is run in its place. Changes without a commit are not written.
    """
    acting, app = Acting(user, role), Target(target).app
    if source is None and not sys.stdin.isatty():
        source = sys.stdin.read()
    with asyncio.Runner() as runner:
        block = AsyncExitStack()
        session = runner.run(_entered(app, acting, block))
        names = _names(app, session)
        console = Console(names, runner)
        try:
            if source is None:
                complete(names)
                console.interact(_banner(app, names), exitmsg="")
            else:
                console.run_source(source)
            is_written = not session.context.records.has_changes()
        finally:
            runner.run(_left(session, block))
    if not is_written:
        print("changes that were not committed are not written: await session.commit()", file=sys.stderr)


async def _entered(app: Holdall, acting: Acting, block: AsyncExitStack) -> Session:
    app.bindings.configure()
    block.push_async_callback(app.close)
    return await block.enter_async_context(app.session(await acting.user(app)))


async def _left(session: Session, block: AsyncExitStack) -> None:
    session.rollback()
    await block.aclose()


def _names(app: Holdall, session: Session) -> dict[str, Any]:
    names: dict[str, Any] = {word: getattr(holdall, word) for word in _WORDS}
    names |= {binding.model.__name__: binding.model for binding in app.collections()}
    return names | {"app": app, "session": session, "__name__": "__console__", "__doc__": None}


def _banner(app: Holdall, names: dict[str, Any]) -> str:
    models = [binding.model.__name__ for binding in app.collections()]
    first = models[0] if models else "Model"
    return "\n".join(
        (
            f"Holdall {version('holdall')}: app is {app.name!r}; session, and {', '.join(models) or 'no model'}",
            f"await session.query({first}.where()) reads, await session.commit() writes, exit() leaves",
        )
    )
