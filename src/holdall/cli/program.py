"""The commands, as one program.

Their docstrings are what ``--help`` prints. Every command raises Failure where it cannot do what was asked; ``main``
tells the reason in a line, and ends with the code.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from holdall.cli.access import access
from holdall.cli.act import act
from holdall.cli.call import call
from holdall.cli.check import check
from holdall.cli.commits import commits
from holdall.cli.create import create
from holdall.cli.db import db
from holdall.cli.doctor import doctor
from holdall.cli.drop import drop
from holdall.cli.error import error
from holdall.cli.files import files
from holdall.cli.fsck import fsck
from holdall.cli.inspect import inspect
from holdall.cli.jobs import jobs
from holdall.cli.mcp import mcp
from holdall.cli.migrate import migrate
from holdall.cli.move import move
from holdall.cli.new import new
from holdall.cli.outbox import outbox
from holdall.cli.query import query
from holdall.cli.select import select
from holdall.cli.serve import serve
from holdall.cli.shell import shell
from holdall.cli.transfer import export, import_
from holdall.cli.user import user

__all__ = ["program"]

_HELP = "One model, any store, one API."
_CODES = "Exit codes: 0 done, 1 refused, 2 not understood, 70 a fault in code, 130 interrupted."

program = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        print(f"holdall {version('holdall')}")
        raise typer.Exit


@program.callback(help=_HELP, epilog=_CODES)
def options(
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the traceback of an error; may stand anywhere.")
    ] = False,
    tells_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Tell the version and exit.")
    ] = False,
) -> None:
    """Declare what every command takes; ``main`` acts on it."""


_GROUPS: dict[str, dict[str, Callable[..., None]]] = {
    "Begin": {"new": new, "inspect": inspect, "check": check, "create": create, "doctor": doctor, "error": error},
    "Run": {"serve": serve, "shell": shell, "mcp": mcp, "call": call, "act": act},
    "Records": {"query": query, "select": select, "export": export, "import": import_},
    "Look after": {"fsck": fsck, "migrate": migrate, "move": move, "drop": drop, "access": access},
}
for title, group in _GROUPS.items():
    for name, command in group.items():
        program.command(name, rich_help_panel=title)(command)
for name, commands in {
    "db": db,
    "commits": commits,
    "outbox": outbox,
    "files": files,
    "jobs": jobs,
    "user": user,
}.items():
    program.add_typer(commands, name=name, rich_help_panel="Look after")
