"""The worlds that are explored: which stores there are, who wants what, and what must be there in the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdall import Holdall, Model, Ref, field
from holdall.errors import CommitAborted, CommitPartial, CommitPending, CommitUnknown, HoldallError, StateError
from holdall.session import Recovery, Session
from holdall.session.commit.failpoint import Failpoint
from holdall.session.journal.schema import JOURNAL
from holdall.store import CommitClass, Hold

from .stepped_stores import SteppedStore, stepped_store

__all__ = [
    "LEASE",
    "OPENING",
    "SCENARIOS",
    "Account",
    "Flag",
    "Jar",
    "Purse",
    "Role",
    "Scenario",
    "Sign",
    "Slip",
    "World",
    "told",
]

LEASE = 3.0  # seconds
_BUDGET = 10.0  # seconds

OPENING = {"account": 100, "purse": 10, "jar": 5}
"""The amounts of accounts 1 and 2, of purses a and b and of jar j when a schedule begins."""


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


_HOLDERS = {"account": "main", "purse": "side", "jar": "third"}
"""The store of each collection with amounts."""

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
        return len({_HOLDERS[collection] for collection, _, _ in self.adds}) == 1


class Scenario(msgspec.Struct, frozen=True):
    """Stores, actors, and how much is known of the dead. ``weak`` where a part can be refused after the decision."""

    name: str
    home: tuple[CommitClass, Hold]
    other: tuple[CommitClass, Hold]
    roles: tuple[Role, ...]
    sees_death: bool = True
    weak: bool = False
    third: tuple[CommitClass, Hold] | None = None


class World:
    """Stores that last, and one application for each actor, as if each were a process of its own."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.main = stepped_store("main", *scenario.home)
        self.side = stepped_store("side", *scenario.other)
        self.third = None if scenario.third is None else stepped_store("third", *scenario.third)
        self.journal = stepped_store("journal", CommitClass.TX, Hold.RESERVED)
        self.apps = {name: self._app() for name in (*[role.name for role in scenario.roles], "last")}

    @property
    def stores(self) -> list[SteppedStore]:
        """Every store."""
        return [self.main, self.side, *([] if self.third is None else [self.third]), self.journal]

    @property
    def holders(self) -> dict[str, SteppedStore]:
        """Every store by the name that applications give it."""
        return {store.name: store for store in self.stores}

    @property
    def journals(self) -> list[SteppedStore]:
        """The stores that have a journal."""
        return [store for store in self.stores if store.rows(JOURNAL.name)]

    def _app(self) -> Holdall:
        app = Holdall("bank", journal="shared:", lease=LEASE)
        app.add_store("main", self.main)
        app.add_store("side", self.side)
        app.add(Account, Slip, Flag, store="main")
        app.add(Purse, Sign, store="side")
        if self.third is not None:
            app.add_store("third", self.third)
            app.add(Jar, store="third")
        app.bindings.settle()
        return app

    async def play(self, role: Role) -> str:
        """What one actor does; how it ended."""
        app = self.apps[role.name]
        if role.act is None:
            await Recovery(app.bindings).run()
            return "done"
        return await told(app, role.act)

    def amount(self, collection: str, key: Any) -> int:
        """The amount of a record, 0 where it is not there."""
        row = self.holders[_HOLDERS[collection]].row(collection, key)
        return 0 if row is None else int(row[1])


async def told(app: Holdall, act: Act) -> str:
    """How a commit ended, as its caller is told."""
    try:
        async with app.session() as session:
            await act(session)
            await session.commit(budget=_BUDGET)
    except CommitAborted:
        return "aborted"
    except CommitPending:
        return "pending"
    except CommitPartial:
        return "partial"
    except CommitUnknown:
        return "unknown"
    except HoldallError as error:
        return f"not begun: {error}"
    return "done"


# --- what actors do -------------------------------------------------------------------------------------------------


async def _pair(session: Session, account: int, purse: str) -> tuple[Account, Purse]:
    return await session.require(Account, account), await session.require(Purse, purse)


def _transfer(account: int, purse: str) -> Act:
    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        source.amount -= 10
        target.amount += 10

    return act


def _found(account: int, purse: str, nick: str | None = None) -> Act:
    async def act(session: Session) -> None:
        source = await session.require(Account, account)
        source.amount -= 10
        session.add(Purse(code=purse, amount=10, nick=nick))

    return act


def _slip(account: int, purse: str) -> Act:
    """The purse refers to what gets its key at home."""

    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        source.amount -= 10
        target.amount += 10
        target.slip = session.add(Slip())

    return act


def _close(account: int, purse: str) -> Act:
    """The purse is removed."""

    async def act(session: Session) -> None:
        source, target = await _pair(session, account, purse)
        if target.amount != OPENING["purse"]:
            raise StateError("it was used meanwhile")
        source.amount += target.amount
        session.remove(target)

    return act


def _move(name: str, *adds: tuple[str, Any, int]) -> Role:
    """Adds to records that are there."""
    models: dict[str, Any] = {"account": Account, "purse": Purse, "jar": Jar}

    async def act(session: Session) -> None:
        for collection, key, by in adds:
            record = await session.require(models[collection], key)
            record.amount += by

    return Role(name, act, adds)


def _set(name: str, value: int) -> Role:
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


_PUT, _EARN = Role("neighbour", _put, (("purse", "a", 1),)), Role("neighbour", _earn, (("account", 1, 1),))
_HELPER, _SPENDER = Role("helper"), Role("spender", _earn, (("account", 1, 1),))


def _role(name: str, act: Act, account: int, purse: str, by: int = 10, dies_at: Failpoint | None = None) -> Role:
    return Role(name, act, (("account", account, -by), ("purse", purse, by)), dies_at)


_ONE = _role("one", _transfer(1, "a"), 1, "a")
_SAME = (_ONE, _role("two", _transfer(1, "a"), 1, "a"))
_MEETING = (_ONE, _role("two", _transfer(2, "a"), 2, "a"))
_APART = (_ONE, _role("two", _transfer(2, "b"), 2, "b"))
_NEW = (_role("one", _found(1, "n"), 1, "n"), _role("two", _found(2, "n"), 2, "n"))
_UNIQUE = (_role("one", _found(1, "n", "nick"), 1, "n"), _role("two", _found(2, "m", "nick"), 2, "m"))
_KEYED = (_role("one", _slip(1, "a"), 1, "a"), _role("two", _slip(2, "a"), 2, "a"))
_REMOVED = (_role("one", _close(1, "a"), 1, "a", -10), _role("two", _transfer(2, "a"), 2, "a"))
_DYING = (_role("one", _transfer(1, "a"), 1, "a", dies_at=Failpoint.DECIDED), _MEETING[1])

_CHAIN = (
    _move("one", ("account", 1, -10), ("purse", "a", 10)),
    _move("two", ("purse", "a", -5), ("jar", "j", 5)),
    _move("three", ("jar", "j", -1), ("account", 1, 1)),
)
_THREE = (
    _move("one", ("account", 1, -10), ("purse", "a", 6), ("jar", "j", 4)),
    _move("two", ("account", 2, -10), ("purse", "a", 6), ("jar", "j", 4)),
)

_BLIND = (_set("one", 1), _set("two", 2), _HELPER)

_TX, _BATCH = (CommitClass.TX, Hold.RESERVED), (CommitClass.BATCH, Hold.RESERVED)
_PLAIN, _PLAIN_BATCH = (CommitClass.TX, Hold.NONE), (CommitClass.BATCH, Hold.NONE)

SCENARIOS = (
    Scenario("tx+batch same record", _TX, _BATCH, (*_SAME, _HELPER)),
    Scenario("tx+batch same purse", _TX, _BATCH, (*_MEETING, _PUT, _HELPER)),
    Scenario("tx+batch apart", _TX, _BATCH, (*_APART, _EARN)),
    Scenario("tx+batch new key", _TX, _BATCH, (*_NEW, _HELPER)),
    Scenario("tx+batch unique value", _TX, _BATCH, (*_UNIQUE, _HELPER)),
    Scenario("tx+batch key made at home", _TX, _BATCH, (*_KEYED, _HELPER)),
    Scenario("tx+batch removed", _TX, _BATCH, (*_REMOVED, _PUT)),
    Scenario("tx+batch lease only", _TX, _BATCH, (*_MEETING, _HELPER), sees_death=False),
    Scenario("tx+tx same purse", _TX, _TX, (*_MEETING, _PUT, _HELPER)),
    Scenario("tx+tx lease only", _TX, _TX, (*_KEYED, _HELPER), sees_death=False),
    Scenario("batch+batch same purse", _BATCH, _BATCH, (*_MEETING, _EARN, _HELPER)),
    Scenario("batch+batch lease only", _BATCH, _BATCH, (*_SAME, _PUT), sees_death=False),
    Scenario("tx+tx+tx chain", _TX, _TX, (*_CHAIN, _HELPER), third=_TX),
    Scenario("tx+batch+batch all three", _TX, _BATCH, (*_THREE, _HELPER), third=_BATCH),
    Scenario("batch+batch+tx chain", _BATCH, _BATCH, (*_CHAIN, _HELPER), third=_TX),
    Scenario("plain+plain+batch all three", _PLAIN, _PLAIN, (*_THREE, _PUT, _HELPER), third=_BATCH, weak=True),
    Scenario("plain+batch+batch all three", _PLAIN, _PLAIN_BATCH, (*_THREE, _PUT), third=_BATCH, weak=True),
    Scenario("tx+batch blind", _TX, _BATCH, _BLIND),
    Scenario("tx+tx blind", _TX, _TX, _BLIND, sees_death=False),
    Scenario("batch+batch blind", _BATCH, _BATCH, _BLIND),
    Scenario("plain+plain same purse", _PLAIN, _PLAIN, (*_MEETING, _PUT, _HELPER), weak=True),
    Scenario("plain+plain one dies", _PLAIN, _PLAIN, (_DYING[0], _PUT, _DYING[1], _HELPER), weak=True),
    Scenario("plain+plain both changed", _PLAIN, _PLAIN, (_DYING[0], _PUT, _SPENDER, _HELPER), weak=True),
    Scenario("plain+batch same purse", _PLAIN, _PLAIN_BATCH, (*_MEETING, _PUT, _HELPER), weak=True),
    Scenario("plain+batch one dies", _PLAIN, _PLAIN_BATCH, (_DYING[0], _PUT, _DYING[1], _HELPER), weak=True),
)
