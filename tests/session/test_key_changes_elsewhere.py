"""Natural keys that change where code, rights and tables of others have a say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, OnDelete, Ref, field
from holdall.dao import DAO
from holdall.errors import CommitAborted, Forbidden, ReadOnly, StateError, Unsupported
from holdall.policy import Everyone, FieldRights, Nobody, Policy, User
from holdall.session.references.key_moves import KeyMoves
from holdall.testing.client import Client
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio


class Shop(Model):
    code: str = field(pk=True)
    name: str = ""


class Clerk(Model):
    name: str = field(pk=True)
    shop: Ref[Shop | None] = field(default=None)


class Shops(DAO[Shop]):
    def __init__(self) -> None:
        self.rows: dict[str, str] = {"A": "first"}
        self.calls: list[str] = []

    async def get(self, *, code: str) -> Shop | None:
        return Shop(code=code, name=self.rows[code]) if code in self.rows else None

    async def add(self, shop: Shop) -> None:
        self.calls.append(f"add {shop.code} {shop.name}")
        self.rows[shop.code] = shop.name

    async def remove(self, shop: Shop) -> None:
        self.calls.append(f"remove {shop.code} {shop.name}")
        del self.rows[shop.code]


class Clerks(DAO[Clerk]):
    def __init__(self) -> None:
        self.rows: dict[str, Any] = {"Ann": "A", "Bob": "A"}
        self.calls: list[str] = []

    async def get(self, *, name: str) -> Clerk | None:
        return Clerk(name=name, shop=self.rows[name]) if name in self.rows else None

    async def update(self, clerk: Clerk) -> None:
        self.calls.append(f"update {clerk.name} {clerk.shop.key}")
        self.rows[clerk.name] = clerk.shop.key


async def test_hand_written_code_adds_and_removes() -> None:
    shops, clerks = Shops(), Clerks()
    app = Holdall("mall")
    app.add_dao(shops, clerks)
    async with app.session() as session:
        shop, ann = await session.require(Shop, "A"), await session.require(Clerk, "Ann")
        shop.name = "one"
        session.change_key(shop, "B")
        await session.commit()
        assert ann.shop.key == "B"
        assert await session.get(Shop, "A") is None
        assert await session.get(Shop, "B") is shop
    assert shops.calls == ["add B one", "remove A first"]
    assert clerks.calls == ["update Ann B"]
    assert clerks.rows == {"Ann": "B", "Bob": "A"}, "of a DAO those follow that are here"


async def test_records_of_tables_follow_those_of_hand_written_code(tmp_path: Path) -> None:
    shops = Shops()
    app = Holdall("mall", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_dao(shops)
    app.add_store("main", f"sqlite:///{tmp_path}/mall.db")
    app.add(Clerk, store="main")
    await app.create()
    async with app.session() as session:
        session.add_all([Clerk(name="Ann", shop="A"), Clerk(name="Bob", shop="A")])
    async with app.session() as session:
        session.change_key(await session.require(Shop, "A"), "B")
    async with app.session() as session:
        assert [clerk.shop.key for clerk in await session.query(Clerk.where())] == ["B", "B"]
    assert shops.rows == {"B": "first"}
    await app.close()


async def test_what_hand_written_code_lacks_is_named() -> None:
    class Fixed(Clerks):
        async def add(self, clerk: Clerk) -> None:
            self.rows[clerk.name] = clerk.shop.key

    app = Holdall("mall")
    app.add_dao(Shops(), Fixed())
    async with app.session() as session:
        ann = await session.require(Clerk, "Ann")
        with pytest.raises(Unsupported, match="remove"):
            session.change_key(ann, "Eve")
        assert ann.name == "Ann"


async def test_a_store_of_single_calls_refuses_before_anything_is_sent() -> None:
    remote = Remote("api")
    app = Holdall("mall")
    app.add_store("api", remote)
    app.add(Shop, store="api")
    async with app.session() as session:
        shop = session.add(Shop(code="A"))
        await session.commit()
        sent = len(remote.log)
        with pytest.raises(Unsupported, match="keys of shop"):
            session.change_key(shop, "B")
        assert (shop.code, len(remote.log)) == ("A", sent)


async def test_references_that_a_store_of_single_calls_keeps_are_written() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add_store("api", Remote("api"))
    app.add(Shop, store="main")
    app.add(Clerk, store="api")
    async with app.session() as session:
        session.add(Shop(code="A"))
        await session.commit()
        session.add_all([Clerk(name="Ann", shop="A"), Clerk(name="Bob")])
        await session.commit()
    async with app.session() as session:
        session.change_key(await session.require(Shop, "A"), "B")
    async with app.session() as session:
        assert {clerk.name: clerk.shop.key for clerk in await session.query(Clerk.where())} == {"Ann": "B", "Bob": None}


async def test_the_right_is_that_to_update() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main", policy=Policy(read=Everyone, update=Everyone, create=Nobody, delete=Nobody))
    app.add(Clerk, store="main", policy=Policy(read=Everyone, update=Clerk.name != "Ann"))
    async with app.session() as session:
        session.add(Shop(code="A"))
        session.add_all([Clerk(name="Ann"), Clerk(name="Bob")])
    async with app.session(user=User("eve")) as session:
        shop, ann = await session.require(Shop, "A"), await session.require(Clerk, "Ann")
        session.change_key(shop, "B")
        with pytest.raises(Forbidden):
            await session.commit()  # he may not change every clerk, and some may refer to the shop
        session.rollback()
        assert shop.code == "A"
        session.change_key(ann, "Eve")
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()
        session.change_key(await session.require(Clerk, "Bob"), "Bea")
        await session.commit()
    async with app.session() as session:
        assert sorted(clerk.name for clerk in await session.query(Clerk.where())) == ["Ann", "Bea"]


async def test_the_rule_holds_after_the_change_as_well() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main", policy=Policy(read=Everyone, update=Shop.code.startswith("e")))
    async with app.session() as session:
        session.add_all([Shop(code="e1", name="one"), Shop(code="x1")])
    async with app.session(user=User("eve")) as session:
        mine, other = await session.require(Shop, "e1"), await session.require(Shop, "x1")
        for shop, key in ((mine, "x2"), (other, "e2")):
            session.change_key(shop, key)
            with pytest.raises(Forbidden):
                await session.commit()
            session.rollback()
        session.change_key(mine, "e9")
        await session.commit()
        assert await session.get(Shop, "e9") is mine


async def test_records_with_hidden_fields_cannot_be_written_whole() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    hidden = FieldRights(read=Nobody)
    app.add(Shop, store="main", policy=Policy(read=Everyone, update=Everyone, fields={"name": hidden}))
    async with app.session() as session:
        session.add(Shop(code="A", name="secret"))
    async with app.session(user=User("eve")) as session:
        session.change_key(await session.require(Shop, "A"), "B")
        with pytest.raises(Forbidden, match="change keys of"):
            await session.commit()
        session.rollback()
    async with app.session() as session:
        assert (await session.require(Shop, "A")).name == "secret"


async def test_views_are_refused(tmp_path: Path) -> None:
    class Listed(Model, table="listed", read_only=True):
        code: str = field(pk=True)

    with closing(sqlite3.connect(tmp_path / "mall.db")) as connection:
        connection.executescript("CREATE TABLE t (code TEXT NOT NULL); INSERT INTO t VALUES ('A');")
        connection.executescript("CREATE VIEW listed AS SELECT code FROM t")
    app = Holdall("mall")
    app.add_store("main", f"sqlite:///{tmp_path}/mall.db")
    app.add(Listed, store="main")
    async with app.session() as session:
        with pytest.raises(ReadOnly):
            session.change_key(await session.require(Listed, "A"), "B")
    await app.close()


async def test_columns_that_no_field_has_are_not_lost(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mall.db")) as connection:
        connection.executescript(
            "CREATE TABLE shop (code TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, notes TEXT);"
            "INSERT INTO shop VALUES ('A', 'first', 'remember')"
        )
    app = Holdall("mall")
    app.add_store("main", f"sqlite:///{tmp_path}/mall.db")
    app.add(Shop, store="main")
    async with app.session() as session:
        shop = await session.require(Shop, "A")
        session.change_key(shop, "B")
        with pytest.raises(Unsupported, match="no field has notes"):
            await session.commit()
        session.rollback()
        assert shop.code == "A"
    await app.close()


@pytest.mark.parametrize("rule", ["", "ON UPDATE CASCADE", "ON DELETE CASCADE", "DEFERRABLE INITIALLY DEFERRED"])
async def test_foreign_keys_of_tables_that_others_made(rule: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mall.db")) as connection:
        connection.executescript(
            "CREATE TABLE shop (code TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL);"
            f"CREATE TABLE clerk (name TEXT PRIMARY KEY NOT NULL, shop TEXT REFERENCES shop (code) {rule});"
            "INSERT INTO shop VALUES ('A', 'first'); INSERT INTO clerk VALUES ('Ann', 'A'), ('Bob', 'A')"
        )
    app = Holdall("mall")
    app.add_store("main", f"sqlite:///{tmp_path}/mall.db")
    app.add(Shop, Clerk, store="main")
    async with app.session() as session:
        session.change_key(await session.require(Shop, "A"), "B")
    async with app.session() as session:
        assert [clerk.shop.key for clerk in await session.query(Clerk.where())] == ["B", "B"]
    await app.close()


async def test_the_sync_session_has_the_verb() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main")
    with app.sync.session() as session:
        shop = session.add(Shop(code="A"))
        session.commit()
        session.change_key(shop, "B")
    with app.sync.session() as session:
        assert [each.code for each in session.query(Shop.where())] == ["B"]


async def test_an_expected_record_must_be_as_it_was(tmp_path: Path) -> None:
    app = Holdall("mall")
    app.add_store("main", f"sqlite:///{tmp_path}/mall.db")
    app.add(Shop, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Shop(code="A", name="first"))
    async with app.session() as session:
        shop = await session.require(Shop, "A")
        session.expect(shop)
        session.change_key(shop, "B")
        async with app.session() as other:
            (await other.require(Shop, "A")).name = "second"
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
        assert (shop.code, shop.name) == ("A", "first")
    await app.close()


async def test_a_removed_or_discarded_record_is_refused() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main")
    async with app.session() as session:
        shop = session.add(Shop(code="A"))
        await session.commit()
        session.remove(shop)
        with pytest.raises(StateError, match="to be removed"):
            session.change_key(shop, "B")
        await session.commit()
        with pytest.raises(StateError, match="discarded"):
            session.change_key(shop, "B")


class Desk(Model):
    code: str = field(pk=True)
    shop: Ref[Shop] = field(on_delete=OnDelete.CASCADE)


async def test_what_goes_with_a_removed_record_keeps_its_key() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main")
    app.add(Desk, store="main")
    async with app.session() as session:
        session.add(Desk(code="d", shop=session.add(Shop(code="A"))))
    async with app.session() as session:
        desk = await session.require(Desk, "d")
        session.change_key(desk, "e")
        session.remove(await session.require(Shop, "A"))
        with pytest.raises(StateError, match="commit one of the two first"):
            await session.commit()
        session.rollback()
        assert desk.code == "d"
        session.change_key(desk, "e")
        await session.update(Desk.where(), shop="A")
        await session.commit()
        assert await session.get(Desk, "e") is desk


async def test_over_http_a_key_is_not_changed() -> None:
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main", policy=Policy(read=Everyone, update=Everyone))
    async with app.session() as session:
        session.add(Shop(code="A", name="first"))
    async with Client(app.asgi()) as client:
        answer = await client.patch("/shop/A", {"code": "B"})
        assert answer.status == 422
        assert "is part of the key and cannot be changed" in str(answer.json())
    async with app.session() as session:
        assert [shop.code for shop in await session.query(Shop.where())] == ["A"]


async def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """References that do not follow are refused by the store, or found by fsck."""

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(KeyMoves, "follow", nothing)
    app = Holdall("mall")
    app.add_store("main", "memory:")
    app.add(Shop, store="main")
    app.add(Clerk, store="main")
    async with app.session() as session:
        session.add(Clerk(name="Ann", shop=session.add(Shop(code="A"))))
    async with app.session() as session:
        session.change_key(await session.require(Shop, "A"), "B")
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
