"""Files of records without a version that several change at once: no record keeps a file that somebody took away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from holdall import Everyone, File, Holdall, Model, Policy, field, file
from holdall.errors import CommitAborted, StaleVersion
from holdall.testing.client import Client
from tests.support.gallery import GIF, PNG

pytestmark = pytest.mark.anyio

KINDS = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]
OPEN = Policy(read=Everyone, write=Everyone)


class Sheaf(Model, collection="sheaves"):
    id: int = field(pk=True)
    title: str = ""
    cover: File | None = file("pictures")
    pictures: list[File] = file("pictures", default_factory=list)


@pytest.fixture(params=KINDS)
async def app(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> AsyncIterator[Holdall]:
    own = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/s.db", "yaml": f"yaml:{tmp_path}/kept"}
    kind, options = request.param, dict[str, Any]()
    url = own.get(kind) or request.getfixturevalue(kind)
    if kind == "redis_url":
        options = {"prefix": f"g{uuid4().hex}"}
    elif kind not in own:
        url = fresh_database(url)
    made = Holdall("sheaves")
    made.add_store("main", url, **options)
    made.add(Sheaf, store="main", policy=OPEN)
    made.add_files("pictures", f"file:{tmp_path}/pictures")
    await made.create()
    async with made.session() as s:
        pictures = [File(PNG, name="a.png"), File(GIF, name="b.gif")]
        s.add(Sheaf(id=1, cover=File(PNG, name="c.png"), pictures=pictures))
        s.add(Sheaf(id=2))
    yield made
    await made.close()


async def names(app: Holdall, key: int = 1) -> list[str]:
    async with app.session() as s:
        return [each.name for each in (await s.require(Sheaf, key)).pictures]


async def test_a_list_that_others_have_changed_is_refused(app: Holdall) -> None:
    async with app.session() as first, app.session() as second:
        mine, theirs = await first.require(Sheaf, 1), await second.require(Sheaf, 1)
        del mine.pictures[0]
        theirs.pictures.reverse()
        await first.commit()
        with pytest.raises(CommitAborted) as refused:
            await second.commit()
        assert isinstance(refused.value.__cause__, StaleVersion)
        assert refused.value.is_retryable
        second.rollback()
    assert await names(app) == ["b.gif"]
    assert await app.check_files() == []


async def test_a_name_is_not_given_to_a_content_that_is_gone(app: Holdall) -> None:
    async with app.session() as first, app.session() as second:
        mine, theirs = await first.require(Sheaf, 1), await second.require(Sheaf, 1)
        assert mine.cover is not None
        assert theirs.cover is not None
        mine.cover.set_content(GIF)
        theirs.cover.rename("d.png")
        await first.commit()
        with pytest.raises(CommitAborted):
            await second.commit()
        second.rollback()
    assert await app.check_files() == []


async def test_other_fields_are_still_written_by_both(app: Holdall) -> None:
    async with app.session() as first, app.session() as second:
        mine, theirs = await first.require(Sheaf, 1), await second.require(Sheaf, 1)
        del mine.pictures[0]
        theirs.title, theirs.cover = "changed", None
        await first.commit()
        await second.commit()
    assert await names(app) == ["b.gif"]
    async with app.session() as s:
        sheaf = await s.require(Sheaf, 1)
        assert (sheaf.title, sheaf.cover) == ("changed", None)
    assert await app.check_files() == []


async def test_all_that_are_sent_at_once_are_kept(app: Holdall) -> None:
    def head(number: int) -> dict[str, str]:
        return {"content-disposition": f'attachment; filename="{number}.gif"'}

    async with Client(app.asgi()) as http:
        sent = [
            http.request("POST", "/sheaves/2/pictures", body=GIF + bytes([number]), headers=head(number))
            for number in range(4)
        ]
        answers = await asyncio.gather(*sent)
        assert [each.status for each in answers] == [201] * 4
        assert sorted(await names(app, 2)) == ["0.gif", "1.gif", "2.gif", "3.gif"]
        tag = (await http.get("/sheaves/2/pictures/0")).headers["etag"]  # who comes late finds another one there
        meant = [http.delete("/sheaves/2/pictures/0", if_match=tag) for _ in range(2)]
        done, refused = sorted(each.status for each in await asyncio.gather(*meant))
        assert done == 204
        assert refused in (404, 412)
        changes = [http.delete("/sheaves/2/pictures/0"), http.request("POST", "/sheaves/2/pictures", body=PNG)]
        assert sorted(each.status for each in await asyncio.gather(*changes)) == [201, 204]
        assert len(await names(app, 2)) == 3
    assert await app.check_files() == []
