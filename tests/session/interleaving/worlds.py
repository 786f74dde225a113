"""The worlds that are explored: which stores there are, and who acts over them."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall import Holdall
from holdall.errors import CommitAborted, CommitPartial, CommitPending, CommitUnknown, HoldallError
from holdall.session import Recovery
from holdall.session.journal.journal import Journal
from holdall.store import CommitClass, Hold
from tests.session.interleaving.accounts import HOLDERS, OPENING, Account, Act, Flag, Jar, Purse, Role, Sign, Slip
from tests.session.interleaving.stepped_stores import SteppedStore, stepped_store
from tests.session.interleaving.stepping import Steps

__all__ = ["LEASE", "Scenario", "World", "told"]

LEASE = 3.0  # seconds
_TIMEOUT = 10.0  # seconds


class Scenario(msgspec.Struct, frozen=True):
    """Stores, actors, and how much is known of the dead.

    ``weak`` where a part can be refused after the decision; ``harsh`` where two die and more than one thing goes wrong.
    """

    name: str
    home: tuple[CommitClass, Hold]
    other: tuple[CommitClass, Hold]
    roles: tuple[Role, ...]
    sees_death: bool = True
    weak: bool = False
    harsh: bool = False
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

    def _app(self) -> Holdall:
        app = Holdall("bank", journal="shared:", lease=LEASE)
        app.add_store("main", self.main)
        app.add_store("side", self.side)
        app.add(Account, Slip, Flag, store="main")
        app.add(Purse, Sign, store="side")
        if self.third is not None:
            app.add_store("third", self.third)
            app.add(Jar, store="third")
        app.bindings.configure()
        return app

    def restart(self, steps: Steps) -> None:
        """Begin anew: the records of ``OPENING``, empty journals, and applications that know nothing of them."""
        for store in self.stores:
            store.restart(steps)
        for app in self.apps.values():
            app.bindings.journal = Journal(app.name, app.bindings.stores, "shared:", LEASE)
        models = {"account": (Account, "id"), "purse": (Purse, "code"), "jar": (Jar, "code")}
        for collection, amounts in OPENING.items():
            model, name = models[collection]
            for key, amount in amounts.items():
                self._put(collection, key, _row(model, **{name: key}, amount=amount, version=1))
        self._put("flag", 1, _row(Flag, id=1, value=0))
        self._put("sign", 1, _row(Sign, id=1, value=0))

    def _put(self, collection: str, key: Any, row: tuple[object, ...]) -> None:
        store = self.holders.get(HOLDERS[collection])
        if store is not None:
            store.put(collection, key, row)

    async def play(self, role: Role) -> str:
        """What one actor does; how it ended."""
        app = self.apps[role.name]
        if role.act is None:
            await Recovery(app.bindings).run()
            return "done"
        return await told(app, role.act)

    def amount(self, collection: str, key: Any) -> int:
        """The amount of a record, 0 where it is not there."""
        row = self.holders[HOLDERS[collection]].row(collection, key)
        return 0 if row is None else int(row[1])


async def told(app: Holdall, act: Act) -> str:
    """How a commit ended, as its caller is told."""
    try:
        async with app.session() as session:
            await act(session)
            await session.commit(timeout=_TIMEOUT)
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


def _row(model: type, **values: object) -> tuple[object, ...]:
    names = [field.name for field in model.__holdall__.stored]  # type: ignore[attr-defined]
    return tuple([values.get(name) for name in names])
