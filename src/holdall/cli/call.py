"""``holdall call``: call a method of a service from the command line, in one context."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles, shown, value_of
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError, UnknownCommand
from holdall.query import Value

__all__ = ["call"]

CommandText = Annotated[str, typer.Argument(metavar="COMMAND", help="The path to a method, as in loans.fines.charge.")]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VALUE | NAME=VALUE]...", help="Its arguments: JSON, or text that is none."),
]


def call(
    target: TargetText, command: CommandText, arguments: Arguments = None, user: As = None, role: Roles = None
) -> None:
    """Call a method of a service and print what it returns, as JSON; its changes are committed."""
    acting = Acting(user, role)
    app = Target(target).app
    args, kwargs = _read(arguments or [])
    try:
        found = asyncio.run(_called(app, command, args, kwargs, acting))
    except UnknownCommand as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(f"{type(error).__name__}: {error}") from error
    if found is not None:
        print(shown(found))


async def _called(app: Holdall, command: str, args: list[Value], kwargs: dict[str, Value], acting: Acting) -> Value:
    try:
        async with app.dal(user=await acting.user(app), meta={"command": command}) as dal:
            return await dal[command](*args, **kwargs)
    finally:
        await app.close()


def _read(arguments: list[str]) -> tuple[list[Value], dict[str, Value]]:
    """The arguments by place, and those by name."""
    args, kwargs = list[Value](), dict[str, Value]()
    for text in arguments:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            if name in kwargs:
                raise Failure(f"{name} is given twice", MISUSE)
            kwargs[name] = value_of(value)
        else:
            args.append(value_of(text))
    return args, kwargs
