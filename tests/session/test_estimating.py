"""Estimates: exact up to a bound, at a bounded cost beyond it, and silent about records that the user may not read."""

from __future__ import annotations

from typing import Any, cast

import pytest

from holdall import Estimate, Everyone, Holdall, Model, Nobody, Policy, Query, SoftDeleted, User, field, rows
from holdall.errors import Forbidden, QueryError
from holdall.session import estimating
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, include_view

pytestmark = pytest.mark.anyio

MOST = 5
ANN = User("ann")


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    owner: str = "eve"


class Draft(SoftDeleted, collection="drafts"):
    id: int = field(pk=True)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "COUNTED", MOST)


async def _filled(url: str, number: int, policy: Policy | None = None) -> Holdall:
    app = Holdall("estimates")
    app.add_store("main", url)
    app.add(Note, store="main", policy=policy or Policy(read=Everyone))
    app.add(Draft, store="main", policy=Policy(read=Everyone))
    await app.create()
    async with app.session() as session:
        for place in range(number):
            session.add(Note(id=place, owner="ann" if place < 2 else "eve"))
    return app


@pytest.fixture(params=["postgres_url", "mariadb_url", "mongo_url"])
def noting_url(request: pytest.FixtureRequest) -> str:
    """The URL of a store that notes how many rows there are."""
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("url", ["memory:", "sqlite://"])
async def test_few_are_counted_and_of_many_the_least_is_told(url: str) -> None:
    app = await _filled(url, MOST + 3)
    async with app.session(user=ANN) as session:
        assert await session.estimate(Note.where(Note.id < 3)) == Estimate(3, is_exact=True)
        assert await session.estimate(Note.where(Note.id < MOST)) == Estimate(MOST, is_exact=True)
        assert await session.estimate(Note.where().limit(1).sort(Note.owner)) == Estimate(MOST, is_exact=False)
        with pytest.raises(QueryError, match="groups"):
            await session.estimate(Note.where().group_by(Note.owner).only(Note.owner, rows()))
    await app.close()


async def test_of_many_the_note_of_the_store_is_told(noting_url: str, fresh_database: Any) -> None:
    url = fresh_database(noting_url)
    app = await _filled(url, 40)
    if not url.startswith("mongodb"):
        async with app.session() as session:
            await session.sql("ANALYZE notes" if url.startswith("postgres") else "ANALYZE TABLE notes", store="main")
    async with app.session(user=ANN) as session:
        whole = await session.estimate(Note.where())
        assert not whole.is_exact
        assert 20 <= whole.number <= 80
        assert await session.estimate(Note.where(Note.id < 30)) == Estimate(MOST, is_exact=False)
        assert await session.estimate(Draft.where()) == Estimate(0, is_exact=True)
    await app.close()


@pytest.mark.parametrize("what", ["rule", "deleted", "condition"])
async def test_a_note_that_would_tell_of_hidden_records_is_not_used(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Of SQLite, which is given a note of a million here."""
    app = await _filled("sqlite://", 8, Policy(read=Note.owner == "ann") if what == "rule" else None)

    monkeypatch.setattr(app.stores["main"], "noted_count", _a_million)
    async with app.session(user=ANN) as session:
        match what:
            case "rule":
                assert await session.estimate(Note.where()) == Estimate(2, is_exact=True)
            case "deleted":
                assert await session.estimate(Draft.where()) == Estimate(0, is_exact=True)
            case "condition":
                assert await session.estimate(Note.where(Note.owner == "ann")) == Estimate(2, is_exact=True)
                assert await session.estimate(Note.where()) == Estimate(1_000_000, is_exact=False)
    await app.close()


async def test_who_may_not_read_gets_no_estimate() -> None:
    app = await _filled("memory:", 1, Policy(read=Nobody))
    async with app.session(user=ANN) as session:
        with pytest.raises(Forbidden):
            await session.estimate(Note.where())
    await app.close()


class Narrow(AsyncRestView[Note]):
    prefix = "/notes"

    def build_query(self) -> Query[Note]:
        return super().build_query().where(Note.id >= 0)


@pytest.mark.parametrize("is_in_view", [False, True])
async def test_a_total_fits_the_page_that_it_stands_on(monkeypatch: pytest.MonkeyPatch, is_in_view: bool) -> None:
    """Records that are there count, and where none is behind those that were skipped, there are no more than these."""
    app = await _filled("sqlite://", MOST + 3)
    service = app.asgi()
    if is_in_view:
        include_view(service, Narrow)

    async def total(page: int) -> int:
        told = (await client.get(f"/notes?count=estimated&page_size=2&page={page}")).json()
        return int(told["total_count"])

    async with Client(service) as client:
        assert [await total(page) for page in (1, 4, 5, 90)] == [MOST, 8, MOST, MOST]
        monkeypatch.setattr(estimating, "COUNTED", -1)
        monkeypatch.setattr(app.stores["main"], "noted_count", _a_million)
        if not is_in_view:  # which has a condition, for which there is no note
            assert [await total(page) for page in (1, 90)] == [1_000_000, 178]
    await app.close()


async def _a_million(collection: str) -> int:
    return 1_000_000


async def test_pages_over_http_say_that_their_total_is_an_estimate() -> None:
    app = await _filled("sqlite://", MOST + 3)
    async with Client(app.asgi()) as client:
        first = (await client.get("/notes?count=estimated&page_size=2")).json()
        assert (first["total_count"], first["total_pages"], first["total_is_estimated"]) == (MOST, 3, True)
        later = (await client.get("/notes?count=estimated&page_size=2&page=4")).json()
        assert later["total_count"] == 8, "so many are known to be there"
        by_cursor = (await client.get("/notes?count=estimated&page_size=2&after=")).json()
        assert (by_cursor["total_count"], by_cursor["total_is_estimated"]) == (MOST, True)
        few = (await client.get("/notes?count=estimated&id__lt=3&page_size=2")).json()
        assert few["total_count"] == 3
        assert "total_is_estimated" not in few
        wrong = await client.get("/notes?count=perhaps")
        assert wrong.status == 422
        assert "exact, estimated, none" in wrong.json()["errors"][0]["message"]
        described = cast(dict[str, Any], (await client.get("/openapi.json")).json())
        [count] = [each for each in described["paths"]["/notes"]["get"]["parameters"] if each["name"] == "count"]
        assert count["schema"]["enum"] == ["exact", "estimated", "none"]
    await app.close()
