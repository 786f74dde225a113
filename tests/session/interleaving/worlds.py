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

__all__ = ["LEASE", "OPENING", "SCENARIOS", "Account", "Purse", "Role", "Scenario", "Slip", "World", "told"]

LEASE = 3.0  # seconds
_BUDGET = 10.0  # seconds

OPENING = {"account": 100, "purse": 10}
"""The amounts of accounts 1 and 2 and of purses a and b when a schedule begins."""


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
        return len({collection == "purse" for collection, _, _ in self.adds}) == 1


class Scenario(msgspec.Struct, frozen=True):
    """Stores, actors, and how much is known of the dead. ``weak`` where a part can be refused after the decision."""

    name: str
    home: tuple[CommitClass, Hold]
    other: tuple[CommitClass, Hold]
    roles: tuple[Role, ...]
    sees_death: bool = True
    weak: bool = False


class World:
    """Stores that last, and one application for each actor, as if each were a process of its own."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.main = stepped_store("main", *scenario.home)
        self.side = stepped_store("side", *scenario.other)
        self.journal = stepped_store("journal", CommitClass.TX, Hold.RESERVED)
        self.apps = {name: self._app() for name in (*[role.name for role in scenario.roles], "last")}

    @property
    def stores(self) -> list[SteppedStore]:
        """Every store."""
        return [self.main, self.side, self.journal]

    @property
    def journals(self) -> list[SteppedStore]:
        """The stores that have a journal."""
        return [store for store in self.stores if store.rows(JOURNAL.name)]

    def _app(self) -> Holdall:
        app = Holdall("bank", journal="shared:", lease=LEASE)
        app.add_store("main", self.main)
        app.add_store("side", self.side)
        app.add(Account, Slip, store="main")
        app.add(Purse, store="side")
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
        store = self.side if collection == "purse" else self.main
        row = store.row(collection, key)
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
    Scenario("plain+plain same purse", _PLAIN, _PLAIN, (*_MEETING, _PUT, _HELPER), weak=True),
    Scenario("plain+plain one dies", _PLAIN, _PLAIN, (_DYING[0], _PUT, _DYING[1], _HELPER), weak=True),
    Scenario("plain+plain both changed", _PLAIN, _PLAIN, (_DYING[0], _PUT, _SPENDER, _HELPER), weak=True),
    Scenario("plain+batch same purse", _PLAIN, _PLAIN_BATCH, (*_MEETING, _PUT, _HELPER), weak=True),
    Scenario("plain+batch one dies", _PLAIN, _PLAIN_BATCH, (_DYING[0], _PUT, _DYING[1], _HELPER), weak=True),
)
