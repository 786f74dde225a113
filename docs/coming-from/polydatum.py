"""The examples of polydatum's README, rewritten: services, a resource, middleware, and what each method promises.

Run it with ``python docs/coming-from/polydatum.py``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any

from holdall import Context, Holdall, Service, SyncContext, SyncService
from holdall.errors import NotFound

# --- README: a pool as a resource, an ItemService, and dm.dal() ------------------------------------------------------

app = Holdall("shop")  # a DataManager


class Database:
    """The README's ``db``: something with a pool of connections."""

    def __init__(self) -> None:
        self.checked_out: list[sqlite3.Connection] = []
        self.keeper = sqlite3.connect("file:shop?mode=memory&cache=shared", uri=True)  # as long as it is open
        self.keeper.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, parent INTEGER)")
        self.keeper.execute("INSERT INTO item VALUES (1, 'lamp', NULL)")
        self.keeper.commit()

    def checkout_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect("file:shop?mode=memory&cache=shared", uri=True, check_same_thread=False)
        self.checked_out.append(connection)
        return connection

    def checkin_connection(self, connection: sqlite3.Connection) -> None:
        self.checked_out.remove(connection)
        connection.close()


db = Database()


@app.resource("db")
def db_pool(context: SyncContext) -> Iterator[sqlite3.Connection]:
    connection = db.checkout_connection()
    try:
        yield connection
    finally:
        db.checkin_connection(connection)


class SubService(SyncService):
    def somemethod(self) -> str:
        return "a subservice"


class ItemService(SyncService):
    subservice = SubService()

    def get_item(self, key: int) -> str | None:
        """Return None where there is no item."""
        row = self.context.db.execute("SELECT name FROM item WHERE id = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def create(self, key: int, name: str, parent: int) -> None:
        """Raise NotFound where there is no parent."""
        if self.get_item(parent) is None:
            raise NotFound("item", parent)
        self.context.db.execute("INSERT INTO item VALUES (?, ?, ?)", (key, name, parent))


app.add_services(items=ItemService())


def readme() -> None:
    with app.sync.dal() as dal:
        assert dal.items.get_item(1) == "lamp"
        assert len(db.checked_out) == 1
        assert dal.items.subservice.somemethod() == "a subservice"
        assert dal["items.get_item"](1) == dal["dal.items.get_item"](1) == "lamp"
    assert db.checked_out == []


# --- README: transactions as context middleware ----------------------------------------------------------------------


def transaction_middleware(context: SyncContext) -> Iterator[sqlite3.Connection]:
    connection: sqlite3.Connection = context.db
    connection.execute("BEGIN")
    try:
        yield connection
    except BaseException:
        connection.rollback()
        raise  # or the exception is suppressed, here and for the caller
    else:
        connection.commit()


def transactions() -> None:
    app.add_middleware(transaction_middleware)
    with app.sync.dal() as dal:
        dal.items.create(2, "shade", parent=1)
    refused: NotFound | None = None
    try:
        with app.sync.dal() as dal:
            dal.items.create(3, "bulb", parent=1)
            dal.items.create(4, "socket", parent=99)
    except NotFound as error:
        refused = error
    assert refused is not None
    assert refused.key == 99
    with app.sync.dal() as dal:
        assert [dal.items.get_item(key) for key in (2, 3, 4)] == ["shade", None, None]


# --- the same, async -------------------------------------------------------------------------------------------------


class Greetings(Service):
    async def hello(self) -> str:
        prefix: str = await self.context.prefix
        item: Any = await self.dal.items.get_item(1)  # a plain method, in a worker thread
        return f"{prefix} {self.context.meta.name}, here is your {item}"


@app.resource
async def prefix(context: Context) -> AsyncIterator[str]:
    yield "Hello"


app.add_services(greetings=Greetings())


async def greet() -> str:
    async with app.dal(meta={"name": "Ann"}) as dal:
        found: str = await dal.greetings.hello()
        return found


if __name__ == "__main__":
    readme()
    assert asyncio.run(greet()) == "Hello Ann, here is your lamp"
    transactions()
    app.sync.close()
    db.keeper.close()
