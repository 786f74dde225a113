"""``holdall user``: accounts added, given passwords, roles and tokens. ``target`` names the Users, as library:users."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from getpass import getpass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from holdall.cli.failure import Failure
from holdall.errors import HoldallError

__all__ = ["user"]

user = typer.Typer(no_args_is_help=True, help="Add accounts, and give them passwords, roles and tokens.")

if TYPE_CHECKING:
    from holdall.users import Users  # whose packages are an extra of their own

T = TypeVar("T")
TargetName = Annotated[str, typer.Argument(help="The Users of an application, as library:users.")]
Login = Annotated[str, typer.Argument(help="The login of the account.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role; may be repeated.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="A role that the token has; all, without any.")]
NoPassword = Annotated[bool, typer.Option("--no-password", help="Nobody logs in by a password.")]


@user.command()
def add(target: TargetName, login: Login, role: Roles = None, no_password: NoPassword = False) -> None:
    """Add an account; the password is asked for, or read from the standard input."""
    password = None if no_password else _password()
    account = _run(target, lambda users: users.add(login, password, roles=role or ()))
    print(f"{account.login} has the id {account.id}")


@user.command()
def passwd(target: TargetName, login: Login) -> None:
    """Give an account another password, and end all of its sessions."""
    password = _password()
    _run(target, lambda users: users.change_password(login, password))


@user.command()
def role(target: TargetName, login: Login, roles: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Give an account these roles and no others."""
    _run(target, lambda users: users.set_roles(login, roles or ()))


@user.command()
def token(
    target: TargetName,
    login: Login,
    name: Annotated[str, typer.Option(help="A name for the token.")] = "",
    scope: Scopes = None,
    days: Annotated[float, typer.Option(help="For how long it holds.")] = 90.0,
) -> None:
    """Print a new token for programs that act for a user; it is kept as a hash and never shown again."""
    print(_run(target, lambda users: users.issue_token(login, name, scopes=scope, days=days)))


def _run(target: str, act: Callable[[Users], Awaitable[T]]) -> T:
    users = _users(target)

    async def done() -> T:
        try:
            return await act(users)
        finally:
            await users.app.close()

    try:
        return asyncio.run(done())
    except HoldallError as error:
        raise Failure(str(error)) from error


def _users(target: str) -> Users:
    try:
        from holdall.users import Users
    except ModuleNotFoundError as error:
        raise Failure(f"this needs the package {error.name}: pip install 'holdall[users]'") from error
    module, colon, name = target.partition(":")
    if not colon:
        raise Failure("name the Users as module:name, for instance library:users", code=2)
    sys.path.insert(0, ".")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise Failure(f"there is no module {error.name}", code=2) from error
    if not isinstance(found, Users):
        raise Failure(f"{target} is no Users: users = Users(app, store=...)", code=2)
    return found


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("password: ")
    if getpass("once more: ") != password:
        raise Failure("these are two passwords; nothing was done")
    return password
