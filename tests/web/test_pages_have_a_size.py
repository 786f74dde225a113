"""A page ends at a bound in bytes, says how to go on, and is never held whole in memory where its records are large."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Everyone, Holdall, Model, Policy, Ref, computed, field
from holdall.store import Capabilities, Feature
from holdall.stores.memory import MemoryStore
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)
KB = 1_000
BOUND = 50 * KB


class Group(Model, collection="groups"):
    id: int = field(pk=True)
    name: str


class Doc(Model, collection="docs_"):
    id: int = field(pk=True)
    text: str = field(default="")
    rank: int = field(default=0)
    group: Ref[Group | None] = field(default=None)

    @computed
    def title(self) -> str:
        return f"{self.group.name} {self.id}" if self.group else str(self.id)


class Small(Model, collection="smalls"):
    id: int = field(pk=True)
    code: str = field(default="", length=(0, 8))


@pytest.fixture(params=["memory:", "sqlite", "yaml", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        made: str = request.getfixturevalue("fresh_database")(request.getfixturevalue("postgres_url"))
        return made
    urls = {"sqlite": f"sqlite:///{tmp_path}/a.db", "yaml": f"yaml:{tmp_path}/y"}
    return urls.get(request.param, str(request.param))


@pytest.fixture
async def app(url: str) -> Holdall:
    made = Holdall("pages")
    made.add_store("m", url)
    made.add(Group, Doc, Small, store="m", policy=OPEN)
    await made.create()
    return made


async def _fill(app: Holdall, count: int, size: int) -> None:
    async with app.session() as s:
        s.add_all([Group(id=number, name=f"g{number}") for number in range(3)])
    async with app.session() as s:
        s.add_all(
            Doc(id=number, text=f"{number % 7}" * size, rank=number % 5, group=number % 3) for number in range(count)
        )


@pytest.mark.parametrize(
    "asked",
    ["", "sort=-rank", "sort=group.name,-id", "page_size=500", "fields=text,id", "fields=title,text,id&sort=rank"],
)
async def test_what_a_page_has_no_room_for_comes_on_the_next(app: Holdall, asked: str) -> None:
    await _fill(app, 40, 10 * KB)
    order = list(range(40))
    if "-rank" in asked:
        order.sort(key=lambda number: (-(number % 5), number))
    elif "rank" in asked:
        order.sort(key=lambda number: (number % 5, number))
    elif "group" in asked:
        order.sort(key=lambda number: (number % 3, -number))
    async with Client(app.asgi(max_page=BOUND)) as c:
        for begin in (f"/docs_?after=&{asked}", f"/docs_?{asked}"):
            found: list[int] = []
            page = await c.get(begin)
            assert page.status == 200, page.body
            assert page.json()["total_count"] == (None if "after" in begin else 40)
            assert page.json().get("truncated") is (None if "after" in begin else True)
            for _ in range(50):
                assert len(page.body) <= BOUND + 500
                found += [row["id"] for row in page.json()["data"]]
                if page.json()["next"] is None:
                    break
                page = await c.get(f"/docs_?{asked}&after={page.json()['next']}")
            assert found == order


async def test_a_record_larger_than_a_page_is_one(app: Holdall) -> None:
    await _fill(app, 3, 200 * KB)
    async with Client(app.asgi(max_page=BOUND)) as c:
        page = await c.get("/docs_?after=&sort=-id")
        assert [row["id"] for row in page.json()["data"]] == [2]
        page = await c.get(f"/docs_?sort=-id&after={page.json()['next']}")
        assert [row["id"] for row in page.json()["data"]] == [1]


async def test_what_fits_is_one_whole_page(app: Holdall) -> None:
    await _fill(app, 220, 10)
    async with app.session() as s:
        s.add_all(Small(id=number) for number in range(300))
    async with Client(app.asgi()) as c:
        for path, count in (("/docs_", 220), ("/smalls", 300)):
            page = (await c.get(f"{path}?page_size=500&sort=id")).json()
            assert [row["id"] for row in page["data"]] == list(range(count))
            assert page.keys() == {"data", "total_count", "page", "page_size", "total_pages"}
            page = (await c.get(f"{path}?page_size=150&page=2&sort=id")).json()
            assert [row["id"] for row in page["data"]] == list(range(150, min(count, 300)))
            page = (await c.get(f"{path}?page_size=150&sort=id&after=")).json()
            assert [row["id"] for row in page["data"]] == list(range(150))


async def test_records_that_cannot_be_read_are_told_of_on_one_page(tmp_path: Path) -> None:
    app = Holdall("broken")
    app.add_store("m", f"yaml:{tmp_path}")
    app.add(Group, Doc, store="m", policy=OPEN)
    await app.create()
    await _fill(app, 20, 10 * KB)
    async with Client(app.asgi(max_page=BOUND)) as c:
        for number in (3, 11):
            _break(tmp_path / "docs_" / f"{number}.yaml")
        for begin in ("/docs_?sort=id&after=", "/docs_?sort=id", "/docs_?sort=-id"):
            found, broken = list[int](), list[int]()
            page = (await c.get(begin)).json()
            for _ in range(20):
                told = [int(row["key"]) for row in page.get("broken", ())]
                found += [row["id"] for row in page["data"]]
                broken += told
                if page["next"] is None:
                    break
                reach = sorted([*told, *[row["id"] for row in page["data"]]])
                assert reach == list(range(reach[0], reach[-1] + 1))  # with none of the next page
                page = (await c.get(f"{begin.removesuffix('&after=')}&after={page['next']}")).json()
            assert (sorted(found), sorted(broken)) == ([n for n in range(20) if n not in (3, 11)], [3, 11])


async def test_a_broken_record_is_told_by_its_key_where_single_fields_are_asked_for(tmp_path: Path) -> None:
    app = Holdall("broken")
    app.add_store("m", f"yaml:{tmp_path}")
    app.add(Group, Doc, store="m", policy=OPEN)
    await app.create()
    await _fill(app, 5, 10)
    _break(tmp_path / "docs_" / "3.yaml")
    async with Client(app.asgi(max_page=BOUND)) as c:
        for asked in ("rank", "text,rank", "id,rank"):
            for more in ("", "&after="):
                page = (await c.get(f"/docs_?sort=id&fields={asked}{more}")).json()
                assert [item["key"] for item in page["broken"]] == ["3"]
                assert all(row.keys() == set(asked.split(",")) for row in page["data"])


def _break(place: Path) -> None:
    place.write_text(place.read_text().replace("rank: ", "rank: no"))


async def test_memory_is_bounded_while_a_page_is_made(tmp_path: Path) -> None:
    app = Holdall("memory")
    app.add_store("m", f"sqlite:///{tmp_path}/a.db")
    app.add(Group, Doc, store="m", policy=OPEN)
    await app.create()
    await _fill(app, 500, 100 * KB)

    async def peak(client: Client) -> int:
        tracemalloc.start()
        try:
            page = await client.get("/docs_?page_size=500")
            assert 0 < len(page.json()["data"]) < 20
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    async with Client(app.asgi(max_page=1_000 * KB)) as c:
        await c.get("/docs_?page_size=1")
        assert await peak(c) < 25_000 * KB, "of 50 MB a part was read"
        assert await peak(c) < 12_000 * KB, "how large its records are was learned"


async def test_a_store_without_positions_is_asked_for_less(tmp_path: Path) -> None:
    """Where a list cannot go on from a record, what is too large is refused with a word what to do."""

    def without(capabilities: Any) -> Any:
        features = capabilities.features - {Feature.KEYSET, Feature.OFFSET}
        return msgspec.structs.replace(capabilities, features=features)

    class Positionless(MemoryStore):
        @property
        def capabilities(self) -> Capabilities:
            return without(super().capabilities)  # type: ignore[no-any-return]

    app = Holdall("positionless")
    app.add_store("m", Positionless("m"))
    app.add(Group, Doc, store="m", policy=OPEN)
    await app.create()
    await _fill(app, 20, 10 * KB)
    async with Client(app.asgi(max_page=BOUND)) as c:
        refused = await c.get("/docs_")
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:limit")
        assert "page_size" in refused.json()["detail"]
        assert (await c.get("/docs_?page_size=4")).status == 200
