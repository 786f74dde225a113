"""What actors do: models whose amounts are moved between stores, and the roles that move them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdall import Model, Ref, field
from holdall.errors import StateError
from holdall.session import Session
from holdall.session.commit.failpoint import Failpoint

__all__ = [
    "EARN",
    "HELPER",
    "HOLDERS",
    "OPENING",
    "PUT",
    "SPENDER",
    "Account",
    "Act",
    "Flag",
    "Jar",
    "Purse",
    "Role",
    "Sign",
    "Slip",
    "close",
    "found",
    "move",
    "role",
    "set_both",
    "slip",
    "transfer",
]

OPENING: dict[str, dict[Any, int]] = {"account": {1: 100, 2: 100}, "purse": {"a": 10, "b": 10}, "jar": {"j": 5}}
"""The amounts of the records that are there when a schedule begins, by collection and key."""


class Slip(Model):
    """Gets its key from the home store."""

    id: int = field(pk=True, generated=True)
    amount: int = 0


class Account(Model):
    id: int = field(pk=True)
    amount: int = 0
    version: int = field(version=True)


class Purse(Model):
    code: str = field(pk=True)
    amount: int = 0
    nick: str | None = field(default=None, unique=True)
    slip: Ref[Slip | None] = field(default=None)
    version: int = field(version=True)


class Flag(Model):
    """At home, without a version: the last writer wins."""

    id: int = field(pk=True)
    value: int = 0


class Sign(Model):
    """Beside it, without a version; says the same as the flag of its number."""

    id: int = field(pk=True)
    value: int = 0


class Jar(Model):
    """In the third store, where there is one."""

    code: str = field(pk=True)
    amount: int = 0
    version: int = field(version=True)


HOLDERS = {"account": "main", "flag": "main", "purse": "side", "sign": "side", "jar": "third"}
"""The store of each collection."""

Act = Callable[[Session], Awaitable[None]]


class Role(msgspec.Struct, frozen=True):
    """One actor: what it does in a session of its own, or recovery where it has no ``act``.

    ``adds`` is by how much each record's amount has grown when it is done. ``dies_at`` is where it dies in every
    schedule.
    """

    name: str
    act: Act | None = None
    adds: tuple[tuple[str, Any, int], ...] = ()
    dies_at: Failpoint | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it writes one store only."""
        return len({HOLDERS[collection] for collection, _, _ in self.adds}) == 1


# --- what actors do -------------------------------------------------------------------------------------------------


async def _pair(session: Session, account: int, purse: str) -> tuple[Account, Purse]:
    return await session.require(Account, account), await session.require(Purse, purse)


def transfer(account: int, purse: str) -> Act:
    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        source.amount -= 10
        target.amount += 10

    return act


def found(account: int, purse: str, nick: str | None = None) -> Act:
    async def act(session: Session) -> None:
        source = await session.require(Account, account)
        source.amount -= 10
        session.add(Purse(code=purse, amount=10, nick=nick))

    return act


def slip(account: int, purse: str) -> Act:
    """The purse refers to what gets its key at home."""

    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        source.amount -= 10
        target.amount += 10
        target.slip = session.add(Slip())

    return act


def close(account: int, purse: str) -> Act:
    """The purse is removed."""

    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        if target.amount != OPENING["purse"][purse]:
            raise StateError("it was used meanwhile")
        source.amount += target.amount
        session.remove(target)

    return act


def move(name: str, *adds: tuple[str, Any, int]) -> Role:
    """Adds to records that are there."""
    models: dict[str, Any] = {"account": Account, "purse": Purse, "jar": Jar}

    async def act(session: Session) -> None:
        for collection, key, by in adds:
            record = await session.require(models[collection], key)
            record.amount += by

    return Role(name, act, adds)


def set_both(name: str, value: int) -> Role:
    """Sets a flag and its sign to the same value, whatever they were."""

    async def act(session: Session) -> None:
        flag, sign = await session.require(Flag, 1), await session.require(Sign, 1)
        flag.value = sign.value = value

    return Role(name, act)


async def _put(session: Session) -> None:
    purse = await session.require(Purse, "a")
    purse.amount += 1


async def _earn(session: Session) -> None:
    account = await session.require(Account, 1)
    account.amount += 1


PUT, EARN = Role("neighbour", _put, (("purse", "a", 1),)), Role("neighbour", _earn, (("account", 1, 1),))
HELPER, SPENDER = Role("helper"), Role("spender", _earn, (("account", 1, 1),))


def role(name: str, act: Act, account: int, purse: str, by: int = 10, dies_at: Failpoint | None = None) -> Role:
    return Role(name, act, (("account", account, -by), ("purse", purse, by)), dies_at)
