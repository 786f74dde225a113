"""The commands, as one program."""

from __future__ import annotations

import typer

from holdall.cli.check import check
from holdall.cli.commits import commits
from holdall.cli.create import create
from holdall.cli.fsck import fsck
from holdall.cli.serve import serve

__all__ = ["program"]

program = typer.Typer(
    help="One model, any store, one API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, check, create, fsck):
    program.command()(command)
program.add_typer(commits, name="commits")
