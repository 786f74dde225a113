"""Values that the database gives are in the records once these are committed, and CHECKs refuse by name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall import Holdall, Model, Ref, field
from holdall.errors import CheckViolation, CommitAborted, DeclarationError, FrozenError, Unsupported
from holdall.stores.sql.store import SqlStore

pytestmark = pytest.mark.anyio

MADE = {
    "sqlite": [
        """CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0),
           double INTEGER GENERATED ALWAYS AS (cents * 2) STORED, mood TEXT NOT NULL DEFAULT 'ok',
           made DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, changes INTEGER NOT NULL DEFAULT 0,
           CONSTRAINT "of two" CHECK (name <> 'bad' AND cents < 1000))""",
        """CREATE TRIGGER counting AFTER UPDATE ON item BEGIN
           UPDATE item SET changes = changes + 1 WHERE id = new.id; END""",
    ],
    "postgresql": [
        """CREATE TABLE item (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL,
           cents BIGINT NOT NULL CHECK (cents > 0), double BIGINT GENERATED ALWAYS AS (cents * 2) STORED,
           mood TEXT NOT NULL DEFAULT 'ok', made TIMESTAMP NOT NULL DEFAULT now(), changes BIGINT NOT NULL DEFAULT 0,
           CONSTRAINT "of two" CHECK (name <> 'bad' AND cents < 1000))""",
        """CREATE FUNCTION counting() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN new.changes := old.changes + 1; RETURN new; END'""",
        "CREATE TRIGGER counting BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION counting()",
    ],
    "mysql": [
        """CREATE TABLE item (id BIGINT AUTO_INCREMENT PRIMARY KEY,
           name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
           cents BIGINT NOT NULL CHECK (cents > 0), `double` BIGINT GENERATED ALWAYS AS (cents * 2) STORED,
           mood VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT 'ok',
           made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, changes BIGINT NOT NULL DEFAULT 0,
           CONSTRAINT `of two` CHECK (name <> 'bad' AND cents < 1000)) ENGINE = InnoDB""",
        "CREATE TRIGGER counting BEFORE UPDATE ON item FOR EACH ROW SET new.changes = old.changes + 1",
    ],
}


class Item(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 100))
    cents: int
    double: int | None = field(server_computed=True)
    mood: str = field(server_default=True, default=None, length=(1, 10))
    made: datetime = field(server_default=True)
    changes: int = field(server_computed=True)


class Note(Model):
    id: int = field(pk=True)
    item: Ref[Item]


async def _app(family: str, request: pytest.FixtureRequest, folder: Path) -> Holdall:
    app = Holdall("items")
    if family == "sqlite":
        database = apsw.Connection(str(folder / "items.db"))
        for statement in MADE[family]:
            database.execute(statement)
        database.close()
        app.add_store("main", f"sqlite:///{folder}/items.db")
    else:
        server = "machine_postgres_url" if family == "postgresql" else "mariadb_url"
        url = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
        driver = "postgresql+asyncpg" if family == "postgresql" else "mysql+asyncmy"
        engine = create_async_engine(sa.make_url(url).set(drivername=driver))
        async with engine.begin() as connection:
            for statement in MADE[family]:
                await connection.exec_driver_sql(statement)
        await engine.dispose()
        app.add_store("main", url)
    app.add(Item, store="main")
    return app


@pytest.mark.parametrize("family", list(MADE))
async def test_they_are_read_back(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    app = await _app(family, request, tmp_path)
    assert await app.inspect() == {}
    begun = datetime.now(UTC).replace(microsecond=0)
    async with app.session() as s:
        plain, given = s.add_all([Item(name="a", cents=5), Item(name="b", cents=6, mood="sad")])
        await s.commit()
        assert [(each.double, each.mood, each.changes) for each in (plain, given)] == [(10, "ok", 0), (12, "sad", 0)]
        assert begun <= plain.made
        plain.cents = 7
        await s.commit()
        assert (plain.double, plain.changes, plain.mood) == (14, 1, "ok")
        with pytest.raises(FrozenError, match=r"Item\.double"):
            plain.double = 3
        given.mood = "glad"
    async with app.session() as s:
        found = await s.query(Item.where(Item.changes == 1).sort(Item.name))
        assert [(each.name, each.double, each.mood) for each in found] == [("a", 14, "ok"), ("b", 12, "glad")]
        assert found[0].made == plain.made
    await app.close()


@pytest.mark.parametrize("family", list(MADE))
async def test_many_at_once(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    app = await _app(family, request, tmp_path)
    async with app.session() as s:
        items = s.add_all(Item(name=f"{number}", cents=number + 1) for number in range(600))
    assert [each.double for each in items] == [2 * (number + 1) for number in range(600)]
    await app.close()


@pytest.mark.parametrize("family", list(MADE))
@pytest.mark.parametrize(
    "name, cents, constraint, fields", [("bad", 1, "of two", ("name", "cents")), ("x", -1, "cents", ("cents",))]
)
async def test_a_broken_check_is_named(
    family: str,
    name: str,
    cents: int,
    constraint: str,
    fields: tuple[str, ...],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    app = await _app(family, request, tmp_path)
    with pytest.raises(CommitAborted) as refused:
        async with app.session() as s:
            s.add(Item(name=name, cents=cents))
    error = refused.value.__cause__
    assert isinstance(error, CheckViolation)
    assert constraint in error.constraint
    assert (error.collection, set(error.fields)) == ("item", set(fields))
    await app.close()


async def test_in_a_commit_over_two_stores(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    app = await _app("sqlite", request, tmp_path)
    app.add_store("notes", f"sqlite:///{tmp_path}/notes.db")
    app.add(Note, store="notes")
    await app.create()
    async with app.session() as s:
        item = s.add(Item(name="a", cents=5))
        s.add(Note(id=1, item=item))
    assert (item.double, item.mood, item.changes) == (10, "ok", 0)
    await app.close()


async def test_a_column_without_a_default_is_told(tmp_path: Path) -> None:
    database = apsw.Connection(str(tmp_path / "items.db"))
    database.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, mood TEXT NOT NULL)")
    database.close()

    class Thing(Model):
        id: int = field(pk=True, generated=True)
        mood: str = field(server_default=True)

    app = Holdall("things")
    app.add_store("main", f"sqlite:///{tmp_path}/items.db")
    app.add(Thing, store="main")
    assert await app.inspect() == {"main": ["thing.mood has no default, and the model leaves its value to one"]}
    await app.close()


def test_where_stores_give_none_it_is_refused() -> None:
    app = Holdall("items")
    app.add_store("main", "memory:")
    app.add(Item, store="main")
    with pytest.raises(Unsupported, match="values that the store gives"):
        app.bindings.configure()


@pytest.mark.parametrize(
    "options",
    [
        {"server_computed": True, "pk": True},
        {"server_default": True, "server_computed": True},
        {"server_default": True, "auto_now": "write"},
        {"server_default": True, "default": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_contradictions_are_refused(options: dict[str, object]) -> None:
    declare: object = type(Model)
    assert isinstance(declare, type)
    with pytest.raises(DeclarationError, match="server_"):
        declare("Odd", (Model,), {"__annotations__": {"at": datetime}, "at": field(**options), "__module__": __name__})  # type: ignore[call-overload]


async def test_a_planted_fault_is_caught(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdall.stores.sql.server_values.given_names", lambda *_: ())
    app = await _app("sqlite", request, tmp_path)
    assert isinstance(app.stores["main"], SqlStore)
    monkeypatch.setattr("holdall.session.renewal.Renewal.reread", _nothing)
    async with app.session() as s:
        item = s.add(Item(name="a", cents=5))
    assert item.double is None
    await app.close()


async def _nothing(*_: object) -> bool:
    return False
