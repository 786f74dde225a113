"""Users, arguments and results of the commands that act: ``call``, ``act`` and ``select``."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import msgspec
import typer

from holdall.app import Holdall
from holdall.cli.failure import MISUSE, Failure
from holdall.model import Model
from holdall.policy import SYSTEM, User
from holdall.query import Value

__all__ = ["Acting", "As", "Roles", "model_of", "named_values", "shown", "value_of"]

As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="LOGIN", help="Act for this user, not for the program itself.")
]
Roles: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--role", help="A role that the user has, where the application keeps no accounts; may be repeated."),
]


class Acting(msgspec.Struct, frozen=True):
    """For whom a command acts, as its options say. Raises Failure for roles and attributes of nobody.

    Where the application knows its users, by accounts or ``app.find_user``, these have the roles that are kept;
    elsewhere the options are all that is known of a user.
    """

    login: str | None
    roles: list[str] | None = None
    attributes: dict[str, str] = {}

    def __post_init__(self) -> None:
        if (self.roles or self.attributes) and self.login is None:
            raise Failure("--role and --attribute are of the user that --as names", MISUSE)

    async def user(self, app: Holdall, nobody: User = SYSTEM) -> User:
        """The user, ``nobody`` where none is named. Raises Failure for a login that the application does not know."""
        if self.login is None:
            return nobody
        if app.finds_user is None:
            return User(self.login, frozenset(self.roles or ()), login=self.login, attributes=self.attributes)
        if self.roles or self.attributes:
            raise Failure(
                "this application knows the roles of its users: --as comes without --role and --attribute", MISUSE
            )
        found = await app.finds_user(self.login)
        if found is None:
            raise Failure(f"there is no active user {self.login!r}: --as names one by login", MISUSE)
        return found


def value_of(text: str) -> Value:
    """The JSON that a text is, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def model_of(app: Holdall, collection: str) -> type[Model]:
    """The model of a collection. Raises Failure for one that is not there, with those that are."""
    models: dict[str, type[Model]] = {binding.collection: binding.model for binding in app.collections()}
    if collection not in models:
        raise Failure(f"there is no collection {collection!r}; there are {', '.join(sorted(models))}", MISUSE)
    return models[collection]


def named_values(arguments: list[str]) -> dict[str, Value]:
    """Values by name, given as NAME=VALUE. Raises Failure for those that are not, or are given twice."""
    found: dict[str, Value] = {}
    for text in arguments:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise Failure(f"{text!r} is not of the form NAME=VALUE, as in score=8", MISUSE)
        if name in found:
            raise Failure(f"{name} is given twice", MISUSE)
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
