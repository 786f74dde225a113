"""``holdall mcp``: an application's collections, selections and actions as tools for assistants."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles
from holdall.cli.assistants import Service, server_of
from holdall.cli.failure import Failure
from holdall.cli.target import Target, TargetText
from holdall.policy import ANONYMOUS, User
from holdall.query import Value

__all__ = ["mcp"]

ReadOnly = Annotated[bool, typer.Option("--read-only", help="Only tools that change nothing.")]


def mcp(target: TargetText, user: As = None, role: Roles = None, read_only: ReadOnly = False) -> None:
    """Serve tools by the Model Context Protocol on the standard input and output, with the rights of a user.

    Without --as, these are the rights of an anonymous visitor.
    """
    from mcp.server.stdio import stdio_server  # noqa: F401 - its absence is told before anything is opened

    acting = Acting(user, role)
    with contextlib.redirect_stdout(sys.stderr):  # whatever the application prints as it is made
        app = Target(target).app
    asyncio.run(_served(app, acting, is_reading=read_only))


async def _served(app: Holdall, acting: Acting, *, is_reading: bool) -> None:
    from mcp.server.stdio import stdio_server

    async with app:
        server = server_of(await service_of(app, acting), app.name, is_reading=is_reading)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())


async def service_of(app: Holdall, acting: Acting) -> Service:
    """The service of an application, asked for one user, whose rights are looked up with each request.

    Raises Failure for a login that the application does not know.
    """
    app.bindings.configure()
    await acting.user(app, ANONYMOUS)

    async def who(scope: Value) -> User | None:
        try:
            found = await acting.user(app, ANONYMOUS)
        except Failure:  # the account is closed meanwhile
            return None
        return found if found.is_authenticated else None

    return Service(app.asgi(authenticate=who, docs=False))
