"""Databases of well-known shapes: the models that are written for them type-check and fit, and a program with them
adds, finds and changes records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.adoption.chinook import CHINOOK_PROGRAM, chinook
from tests.support.adoption.django_auth import DJANGO, DJANGO_ROWS
from tests.support.adoption.pagila import PAGILA, PAGILA_PROGRAM
from tests.support.adoption.sakila import SAKILA_PROGRAM, sakila
from tests.support.foreign import is_type_checked
from tests.support.terminal import run

_FEATURES = {
    "mysql": (
        'special_features=frozenset({"Trailers", "Deleted Scenes"}), score=0.1',
        'assert found.special_features == {"Trailers", "Deleted Scenes"} and found.score == 0.1 and found.is_new',
    ),
    "sqlite": ('special_features="Trailers"', 'assert found.special_features == "Trailers"'),
}


_DJANGO_PROGRAM = """
import asyncio
from datetime import UTC, datetime
from auth import AuthGroup, AuthUser, ShopOrder, app

async def main() -> None:
    async with app.session() as s:
        ann = await s.one(AuthUser.where(AuthUser.username == "ann"))
        assert len(ann.auth_groups) == 1
        order = await s.one(ShopOrder.where(ShopOrder.user.username == "ann"))
        order.parcels = 3
        s.add(AuthGroup(name="guests"))
        ann.last_login = datetime(2024, 5, 6, tzinfo=UTC)
    async with app.session() as s:
        assert await s.count(ShopOrder.where(ShopOrder.parcels == 3)) == 1
        assert await s.count(AuthUser.where(AuthUser.last_login == datetime(2024, 5, 6, tzinfo=UTC))) == 1
    await app.close()
    print("well")

asyncio.run(main())
"""


def _made(family: str, statements: Sequence[str], request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a new database in which these were carried out."""
    if family == "sqlite":
        database = apsw.Connection(str(folder / "it.db"))
        for statement in statements:
            database.execute(statement)
        database.close()
        return "sqlite:///it.db"
    server = "machine_postgres_url" if family == "postgresql" else "mariadb_url"
    url: str = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
    asyncio.run(_carry_out(url, "postgresql+asyncpg" if family == "postgresql" else "mysql+asyncmy", statements))
    return url


async def _carry_out(url: str, driver: str, statements: Sequence[str]) -> None:
    engine = create_async_engine(sa.make_url(url).set(drivername=driver))
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


def _inspected(folder: Path, name: str, url: str, *options: str) -> str:
    written = run(folder, "holdall", "inspect", url, *options)
    assert (written.code, written.errors) == (0, "")
    (folder / f"{name}.py").write_text(written.output)
    return written.output


def _is_checked(folder: Path, name: str) -> None:
    checked = run(folder, "holdall", "check", f"{name}:app")
    assert (checked.code, checked.errors) == (0, "")


def _runs(folder: Path, program: str) -> None:
    (folder / "program.py").write_text(program)
    done = run(folder, "program")
    assert (done.code, done.errors, done.output) == (0, "", "well\n")


def test_pagila(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = _made("postgresql", PAGILA, request, tmp_path)
    source = _inspected(tmp_path, "pagila", url)
    assert 'rating: Literal["G", "PG", "PG-13", "R", "NC-17"] | None = None' in source
    assert "special_features: list[str] | None = None" in source
    assert "class ActorInfo(Model, read_only=True):" in source
    assert "accept=" not in source
    _is_checked(tmp_path, "pagila")
    office = _inspected(tmp_path, "office", url, "--schema", "Back Office")
    assert 'class AuditLog(Model, table="Audit Log", schema="Back Office"):' in office
    assert "took: timedelta | None = None" in office
    _is_checked(tmp_path, "office")
    _runs(tmp_path, PAGILA_PROGRAM)
    is_type_checked(source, "pagila", postgresql=url)


@pytest.mark.parametrize("family", ["sqlite", "postgresql", "mysql"])
def test_chinook(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    source = _inspected(tmp_path, "chinook", _made(family, chinook(family), request, tmp_path))
    assert ('accept=["collation"]' in source) is (family == "mysql")  # whose default heeds no letter case
    assert 'class Track(Model, table="Track"):' in source
    _runs(tmp_path, CHINOOK_PROGRAM)


def test_django(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = _made("sqlite", DJANGO, request, tmp_path)
    database = apsw.Connection(str(tmp_path / "it.db"))
    for statement, row in DJANGO_ROWS:
        database.execute(statement, row)
    database.close()
    source = _inspected(tmp_path, "auth", url)
    assert "groups: frozenset[Ref[AuthGroup]] = field(" in source.replace("auth_groups:", "groups:")
    _is_checked(tmp_path, "auth")
    _runs(tmp_path, _DJANGO_PROGRAM)


@pytest.mark.parametrize("family", ["sqlite", "mysql"])
def test_sakila(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    _inspected(tmp_path, "sakila", _made(family, sakila(family), request, tmp_path))
    given, asserted = _FEATURES[family]
    _runs(tmp_path, SAKILA_PROGRAM.replace("FEATURES", given).replace("MORE", asserted))
