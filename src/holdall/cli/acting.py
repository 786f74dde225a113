"""Users, arguments and results of the commands that act: ``call``, ``act`` and ``select``."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import msgspec
import typer

from holdall.cli.failure import MISUSE, Failure
from holdall.model import Model
from holdall.policy import SYSTEM, User
from holdall.query import Value

__all__ = ["As", "Roles", "acting_user", "named_values", "shown", "value_of"]

As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="USER", help="Act for this user, not for the program itself.")
]
Roles: TypeAlias = Annotated[
    list[str] | None, typer.Option("--role", help="A role that the user has; may be repeated.")
]


def acting_user(name: str | None, roles: list[str] | None) -> User:
    """The user that the options name. Raises Failure for roles of nobody."""
    if roles and name is None:
        raise Failure("--role is of the user that --as names", MISUSE)
    return SYSTEM if name is None else User(name, roles=frozenset(roles or ()))


def value_of(text: str) -> Value:
    """The JSON that a text is, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def named_values(arguments: list[str]) -> dict[str, Value]:
    """Values by name, given as NAME=VALUE. Raises Failure for those that are not."""
    found: dict[str, Value] = {}
    for text in arguments:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise Failure(f"{text!r} is not of the form NAME=VALUE, as in score=8", MISUSE)
        found[name] = value_of(value)
    return found


def shown(value: object) -> str:
    """A result as JSON; records as over HTTP."""
    return msgspec.json.encode(_builtin(value), enc_hook=str).decode()


def _builtin(value: object) -> object:
    if isinstance(value, Model):
        return msgspec.Raw(value.to_json().encode())
    if isinstance(value, list | tuple):
        return [_builtin(each) for each in value]
    return {name: _builtin(each) for name, each in value.items()} if isinstance(value, dict) else value
