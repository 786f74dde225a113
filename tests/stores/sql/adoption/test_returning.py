"""Values that the database gives come back with the statement that inserts, unless a trigger may change them yet."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted

pytestmark = pytest.mark.anyio

MADE = {
    "sqlite": """CREATE TABLE part (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL UNIQUE ON CONFLICT IGNORE,
        double INTEGER GENERATED ALWAYS AS (cents * 2) STORED, mood TEXT NOT NULL DEFAULT 'ok')""",
    "stdlib": """CREATE TABLE part (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL,
        double INTEGER GENERATED ALWAYS AS (cents * 2) VIRTUAL, mood TEXT NOT NULL DEFAULT 'ok')""",
    "postgresql": """CREATE TABLE part (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, cents BIGINT NOT NULL,
        double BIGINT GENERATED ALWAYS AS (cents * 2) STORED, mood TEXT NOT NULL DEFAULT 'ok')""",
    "mariadb": """CREATE TABLE part (id BIGINT AUTO_INCREMENT PRIMARY KEY, cents BIGINT NOT NULL,
        `double` BIGINT GENERATED ALWAYS AS (cents * 2) STORED, mood VARCHAR(10) NOT NULL DEFAULT 'ok')""",
}
LATER = {
    "sqlite": ["CREATE TRIGGER later AFTER INSERT ON part BEGIN UPDATE part SET mood = 'new' WHERE id = new.id; END"],
    "postgresql": [
        """CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN UPDATE part SET mood = ''new'' WHERE id = new.id; RETURN NULL; END'""",
        "CREATE TRIGGER later AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION later()",
    ],
    "mariadb": ["CREATE TRIGGER later BEFORE INSERT ON part FOR EACH ROW SET new.mood = 'new'"],
}
LATER["stdlib"] = LATER["sqlite"]


class Part(Model):
    id: int = field(pk=True, generated=True)
    cents: int
    double: int | None = field(server_computed=True)
    mood: str = field(server_default=True, default=None, length=(1, 10))


Run = Callable[..., Awaitable[None]]


@pytest.fixture(params=list(MADE))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def place(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Holdall, Run]]:
    """An application on the table, and how somebody else runs statements there."""
    if family in ("sqlite", "stdlib"):
        url = f"sqlite:///{tmp_path}/parts.db"

        async def run(*statements: str) -> None:
            other = sqlite3.connect(tmp_path / "parts.db") if family == "stdlib" else None
            connection = other or apsw.Connection(str(tmp_path / "parts.db"))
            for statement in statements:
                connection.execute(statement)
            connection.close()
    else:
        server = "machine_postgres_url" if family == "postgresql" else "mariadb_url"
        url = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
        driver = "postgresql+asyncpg" if family == "postgresql" else "mysql+asyncmy"

        async def run(*statements: str) -> None:
            engine = create_async_engine(sa.make_url(url).set(drivername=driver))
            async with engine.begin() as connection:
                for statement in statements:
                    await connection.exec_driver_sql(statement)
            await engine.dispose()

    await run(MADE[family])
    app = Holdall("parts")
    app.add_store("main", f"{url}?driver=stdlib" if family == "stdlib" else url)
    app.add(Part, store="main")
    yield app, run
    await app.close()


def _asked_of_parts(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if "part" in record.getMessage()]
    caplog.clear()
    return found


async def test_one_statement_inserts_and_answers(place: tuple[Holdall, Run], caplog: pytest.LogCaptureFixture) -> None:
    app, _ = place
    caplog.set_level(logging.DEBUG, "holdall.sql")
    async with app.session() as s:
        one = s.add(Part(cents=5))
    assert (one.double, one.mood) == (10, "ok")
    (sent,) = _asked_of_parts(caplog)
    assert "RETURNING" in sent
    async with app.session() as s:
        many = s.add_all(Part(cents=number) for number in range(50, 100))
    assert [(each.double, each.mood) for each in many] == [(number * 2, "ok") for number in range(50, 100)]
    assert len({each.id for each in many} | {one.id}) == 51
    (sent,) = _asked_of_parts(caplog)
    assert "RETURNING" in sent
    async with app.session() as s:
        two, given = s.add_all([Part(cents=6), Part(cents=7, mood="sad")])  # two kinds, two statements: looked at after
    assert [(each.double, each.mood) for each in (two, given)] == [(12, "ok"), (14, "sad")]
    assert any("SELECT" in each for each in _asked_of_parts(caplog))
    async with app.session() as s:
        stored = await s.require(Part, given.id)
        assert (stored.cents, stored.double, stored.mood) == (7, 14, "sad")


async def test_a_trigger_that_came_meanwhile_is_heeded(place: tuple[Holdall, Run], family: str) -> None:
    app, run = place
    async with app.session() as s:
        before = s.add(Part(cents=1))
    await run(*LATER[family])
    for cents in (2, 3):  # the connection has learned of it for the second
        async with app.session() as s:
            one = s.add(Part(cents=cents))
        assert (one.mood, one.double) == ("new", 2 * cents)
    async with app.session() as s, s.transaction():
        inside = s.add(Part(cents=4))
        await s.flush()
        assert inside.mood == "new"
    async with app.session() as s:
        many = s.add_all(Part(cents=number) for number in range(50, 80))
    assert {each.mood for each in many} == {"new"}
    assert before.mood == "ok"


@pytest.mark.parametrize("family", ["sqlite"], indirect=True)
async def test_a_row_that_the_table_ignores_is_refused(place: tuple[Holdall, Run]) -> None:
    app, _ = place
    async with app.session() as s:
        s.add(Part(cents=1))
    with pytest.raises(CommitAborted, match="a trigger or rule of its own ignores it"):
        async with app.session() as s:
            s.add_all([Part(cents=2), Part(cents=1)])
    async with app.session() as s:
        assert await s.count(Part.where()) == 1
