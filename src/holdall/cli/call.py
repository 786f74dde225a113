"""``holdall call``: call a method of a service from the command line, in one context."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec
import typer

from holdall.app import Holdall
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError, UnknownCommand
from holdall.model import Model
from holdall.policy import SYSTEM, User
from holdall.query import Value

__all__ = ["call"]

CommandText = Annotated[str, typer.Argument(metavar="COMMAND", help="The path to a method, as in loans.fines.charge.")]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VALUE | NAME=VALUE]...", help="Its arguments: JSON, or text that is none."),
]
As = Annotated[str | None, typer.Option("--as", metavar="USER", help="Act for this user, not for the program itself.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role that the user has; may be repeated.")]


def call(
    target: TargetText, command: CommandText, arguments: Arguments = None, user: As = None, role: Roles = None
) -> None:
    """Call a method of a service and print what it returns, as JSON; its changes are committed."""
    if role and user is None:
        raise Failure("--role is of the user that --as names", MISUSE)
    app = Target(target).app
    acting = SYSTEM if user is None else User(user, roles=frozenset(role or ()))
    args, kwargs = _read(arguments or [])
    try:
        found = asyncio.run(_called(app, command, args, kwargs, acting))
    except UnknownCommand as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(f"{type(error).__name__}: {error}") from error
    if found is not None:
        print(msgspec.json.encode(found, enc_hook=_shown).decode())


async def _called(app: Holdall, command: str, args: list[Value], kwargs: dict[str, Value], user: User) -> Value:
    try:
        async with app.dal(user=user, meta={"command": command}) as dal:
            return await dal[command](*args, **kwargs)
    finally:
        await app.close()


def _read(arguments: list[str]) -> tuple[list[Value], dict[str, Value]]:
    """The arguments by place, and those by name."""
    args, kwargs = list[Value](), dict[str, Value]()
    for text in arguments:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            kwargs[name] = _value(value)
        else:
            args.append(_value(text))
    return args, kwargs


def _value(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown(value: object) -> Value:
    return value.to_dict() if isinstance(value, Model) else str(value)
