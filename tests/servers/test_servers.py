from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.servers.embedded_postgres import FILES, EmbeddedPostgres, made_files
from tests.servers.scratch import is_listening

pytestmark = pytest.mark.anyio


async def _ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_the_embedded_server_answers(postgres_url: str) -> None:
    assert await _ask(postgres_url, "SELECT 1") == 1


async def test_a_fresh_database_is_empty_and_another_each_time(
    postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    first, second = fresh_database(postgres_url), fresh_database(postgres_url)
    await _ask(first, "CREATE TABLE only_here (id int)")
    count = "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'"
    assert [await _ask(url, count) for url in (first, second)] == [1, 0]


def test_a_stopped_server_is_gone() -> None:
    with EmbeddedPostgres() as server:
        url = server.url
        assert is_listening(url)
    assert not is_listening(url)


def test_files_are_copied_once_they_are_whole_and_only_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILES, str(tmp_path))
    (tmp_path / "made").mkdir()
    assert made_files() == tmp_path / "made"
    (tmp_path / "failed").touch()
    assert made_files() is None
    monkeypatch.setenv(FILES, str(tmp_path / "removed"))
    assert made_files() is None
    monkeypatch.delenv(FILES)
    assert made_files() is None


async def test_this_machines_servers_give_a_database_of_our_own(machine_postgres_url: str) -> None:
    assert str(await _ask(machine_postgres_url, "SELECT current_database()")).startswith("holdall_test_")


def test_mariadb_gives_a_database_of_our_own(mariadb_url: str, fresh_database: Callable[[str], str]) -> None:
    assert fresh_database(mariadb_url) != mariadb_url


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "mariadb://127.0.0.1:1/x"])
def test_a_server_that_is_not_there_is_seen(url: str) -> None:
    assert not is_listening(url)
