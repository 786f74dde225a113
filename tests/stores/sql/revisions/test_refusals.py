"""Revisions that cannot be made or carried out: each is refused by name, and nothing of it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import DeclarationError, RevisionError, ValidationError
from tests.stores.sql.revisions.test_versions import clean, content, fill, opened
from tests.support.library_versions import VERSIONS

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/library.db"


async def at(number: int, url: str, folder: Path) -> Holdall:
    """An application whose tables are those of this version, of which the first two rows were made by the first."""
    for each in range(number + 1):
        app = opened(url, VERSIONS[each])
        await app.revisions(folder).make("next", renames=VERSIONS[each].renames, fills=VERSIONS[each].fills)
        await app.revisions(folder).upgrade()
        if each == 0:
            await fill(app, VERSIONS[0])
        if each < number:
            await app.close()
    return app


async def test_a_required_column_without_a_value_is_refused_when_it_is_made(url: str, tmp_path: Path) -> None:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str
        nick: str

    app = await at(0, url, tmp_path / "revisions")
    await app.close()
    app = Holdall("library")
    app.add_store("main", url)
    app.add(Author, store="main")
    revisions = app.revisions(tmp_path / "revisions")
    with pytest.raises(RevisionError, match=r"author\.nick must have a value.*default.*\(author\.nick=…\)"):
        await revisions.make("nick")
    with pytest.raises(DeclarationError, match=r"no field author\.nock"):
        await revisions.make("nick", fills={"author.nock": "x"})
    assert len((await revisions.history())["main"]) == 1
    await app.close()


@pytest.mark.parametrize(
    "renames, told",
    [
        ({"book.title": "nome"}, r"book\.nome is not to be added"),
        ({"book.titel": "name"}, r"book\.titel is not to be dropped"),
        ({"author": "firm"}, "table author cannot become firm"),
        ({"house": "firm"}, "no store has the table that 'house' names"),
    ],
)
async def test_a_rename_of_what_is_not_there_is_refused(
    url: str, tmp_path: Path, renames: dict[str, str], told: str
) -> None:
    await (await at(4, url, tmp_path / "revisions")).close()
    app = opened(url, VERSIONS[5])
    with pytest.raises(RevisionError, match=told):
        await app.revisions(tmp_path / "revisions").make("rename", renames=renames, fills={"book.name": "x"})
    await app.close()


async def test_a_value_that_does_not_fit_its_field_is_refused(url: str, tmp_path: Path) -> None:
    app = opened(url, VERSIONS[0])
    with pytest.raises(ValidationError):
        await app.revisions(tmp_path / "revisions").make("first", fills={"book.pages": "many"})
    await app.close()


async def test_a_second_revision_waits_for_the_first(url: str, tmp_path: Path) -> None:
    app = opened(url, VERSIONS[0])
    revisions = app.revisions(tmp_path / "revisions")
    await revisions.make("first")
    with pytest.raises(RevisionError, match="1 revisions are not carried out yet"):
        await revisions.make("second")
    await revisions.upgrade()
    assert await revisions.make("second") == {}
    assert list(await revisions.make("by hand", is_empty=True)) == ["main"]
    await app.close()


async def test_names_that_are_none_are_refused(url: str, tmp_path: Path) -> None:
    app = await at(0, url, tmp_path / "revisions")
    revisions = app.revisions(tmp_path / "revisions")
    for act in (revisions.upgrade, revisions.downgrade, revisions.stamp):
        with pytest.raises(RevisionError, match="no revision 'xyz'"):
            await act("xyz")
    with pytest.raises(DeclarationError, match="'files' is no store whose tables can be revised; those are: main"):
        await revisions.upgrade(store="files")
    await app.close()


async def test_a_database_in_memory_has_no_revisions(tmp_path: Path) -> None:
    app = opened("sqlite:///:memory:", VERSIONS[0])
    with pytest.raises(RevisionError, match=r"in memory has no revisions: make its tables by create"):
        await app.revisions(tmp_path).make("first")
    await app.close()


async def test_a_revision_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, url: str, postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    for place in (url, fresh_database(postgres_url)):
        folder = tmp_path / place.partition(":")[0]
        app = await at(1, place, folder)
        before = await content(app, VERSIONS[1])
        (made,) = (await app.revisions(folder).make("by hand", is_empty=True)).values()
        text = made.file.read_text()
        steps = "def upgrade():\n    op.execute('UPDATE book SET pages = 0')\n    op.drop_column('author', 'nowhere')\n"
        made.file.write_text(text.replace("def upgrade():\n    pass\n", steps))
        with pytest.raises(RevisionError, match="refuses a revision at ALTER TABLE"):
            await app.revisions(folder).upgrade()
        assert await content(app, VERSIONS[1]) == before
        assert [each.is_applied for each in (await app.revisions(folder).history())["main"]] == [True, True, False]
        await app.close()


async def test_a_reference_that_a_revision_breaks_is_seen(url: str, tmp_path: Path) -> None:
    app = await at(0, url, tmp_path / "revisions")
    (made,) = (await app.revisions(tmp_path / "revisions").make("by hand", is_empty=True)).values()
    text = made.file.read_text()
    made.file.write_text(
        text.replace("def upgrade():\n    pass", "def upgrade():\n    op.execute('DELETE FROM author')")
    )
    with pytest.raises(RevisionError, match="rows of book would refer to rows of author that are not there"):
        await app.revisions(tmp_path / "revisions").upgrade()
    assert len((await content(app, VERSIONS[0]))["Author"]) == 2
    await app.close()


async def test_two_last_revisions_and_broken_files_are_told(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    app = await at(0, url, folder)
    (made,) = (await app.revisions(folder).make("by hand", is_empty=True)).values()
    other = made.file.with_name("other.py")
    other.write_text(made.file.read_text().replace(made.name, "abc123"))
    with pytest.raises(RevisionError, match=r"2 revisions in .* are the last one .*down_revision"):
        await app.revisions(folder).upgrade()
    other.write_text("def (")
    with pytest.raises(RevisionError, match="cannot be read"):
        await app.revisions(folder).history()
    await app.close()


async def test_programs_that_upgrade_at_once_take_turns(
    tmp_path: Path, postgres_url: str, mariadb_url: str, fresh_database: Callable[[str], str]
) -> None:
    for place in (fresh_database(postgres_url), fresh_database(mariadb_url)):
        folder = tmp_path / place.partition(":")[0]
        apps = [opened(place, VERSIONS[0]) for _ in range(3)]
        await apps[0].revisions(folder).make("first")
        await apps[0].close()
        done = await asyncio.gather(*(asyncio.to_thread(asyncio.run, upgraded(app, folder)) for app in apps))
        assert sum(len(each) for each in done) == 1
        assert await clean(apps[0], folder) == {}
        await apps[0].close()


async def upgraded(app: Holdall, folder: Path) -> list[Any]:
    try:
        return (await app.revisions(folder).upgrade())["main"]
    finally:
        await app.close()


async def test_tables_and_columns_of_others_stay(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    app = await at(0, url, folder)
    async with app.session() as session:
        await session.sql("CREATE TABLE legacy (id INTEGER PRIMARY KEY)")
        await session.sql("ALTER TABLE author ADD COLUMN nick TEXT")
        await session.sql("CREATE INDEX ix_of_others ON author (nick)")
    assert await app.revisions(folder).drift() == {}
    assert await app.revisions(folder).make("nothing") == {}
    await app.close()


async def test_what_the_models_dropped_is_drift_until_it_is_revised(url: str, tmp_path: Path) -> None:
    app = await at(2, url, tmp_path / "revisions")
    await app.close()
    app = opened(url, VERSIONS[0])
    told = (await app.revisions(tmp_path / "revisions").drift())["main"]
    assert set(told) == {
        "drop column author.born",
        "drop column book.price",
        "drop column book.note",
        "drop index ix_book_title",
    }
    await app.close()


async def test_a_stamp_is_for_tables_that_create_made(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    elsewhere = opened(f"sqlite:///{tmp_path}/elsewhere.db", VERSIONS[0])
    await elsewhere.revisions(folder).make("first")
    await elsewhere.close()
    app = opened(url, VERSIONS[0])
    await app.create()
    with pytest.raises(RevisionError, match="refuses a revision at CREATE TABLE"):
        await app.revisions(folder).upgrade()
    await app.revisions(folder).stamp()
    assert (await app.revisions(folder).upgrade())["main"] == []
    assert await clean(app, folder) == {}
    await app.close()


async def test_a_table_made_anew_without_its_collations_is_found_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: SQLite's collations are forgotten where a table is copied."""
    await (await at(2, url, tmp_path / "revisions")).close()
    monkeypatch.setattr("holdall.stores.sql.revisions.running.as_defined", lambda dialect: nullcontext())
    app = opened(url, VERSIONS[3])
    await app.revisions(tmp_path / "revisions").make("unique")
    await app.revisions(tmp_path / "revisions").upgrade()
    assert "decimals need text collate" in str(await clean(app, tmp_path / "revisions"))
    await app.close()
