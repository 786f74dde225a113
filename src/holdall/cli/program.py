"""The commands, as one program."""

from __future__ import annotations

import typer

from holdall.cli.access import access
from holdall.cli.act import act
from holdall.cli.call import call
from holdall.cli.check import check
from holdall.cli.commits import commits
from holdall.cli.create import create
from holdall.cli.db import db
from holdall.cli.drop import drop
from holdall.cli.files import files
from holdall.cli.fsck import fsck
from holdall.cli.inspect import inspect
from holdall.cli.jobs import jobs
from holdall.cli.migrate import migrate
from holdall.cli.outbox import outbox
from holdall.cli.select import select
from holdall.cli.serve import serve
from holdall.cli.transfer import export, import_
from holdall.cli.user import user

__all__ = ["program"]

program = typer.Typer(
    help="One model, any store, one API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, check, create, inspect, fsck, migrate, drop, call, act, select, access):
    program.command()(command)
program.command()(export)
program.command("import")(import_)
program.add_typer(commits, name="commits")
program.add_typer(db, name="db")
program.add_typer(files, name="files")
program.add_typer(jobs, name="jobs")
program.add_typer(outbox, name="outbox")
program.add_typer(user, name="user")
