"""What an answer says stands: tags are given once, written is written, and what cannot be computed breaks no list."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request

from holdall import Everyone, Holdall, Model, Nobody, Policy, Ref, User, computed, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Secret(Model, collection="secrets"):
    id: int = field(pk=True)
    salary: int = field(default=0)


class Country(Model, collection="countries"):
    code: str = field(pk=True)
    name: str


class City(Model, collection="cities"):
    id: int = field(pk=True)
    name: str
    country: Ref[Country | None] = field(default=None)
    secret: Ref[Secret | None] = field(default=None)
    share: int = field(default=1)
    price: Decimal = field(default=Decimal(1), digits=8, places=2)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return f"{self.name}, {self.country.name}" if self.country else self.name

    @computed
    def pay(self) -> int:
        return self.secret.salary if self.secret else 0

    @computed
    def part(self) -> float:
        return 1 / self.share


@pytest.fixture(params=["memory:", "sqlite", "yaml", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        made: str = request.getfixturevalue("fresh_database")(request.getfixturevalue("postgres_url"))
        return made
    urls: dict[str, str] = {"sqlite": f"sqlite:///{tmp_path}/a.db", "yaml": f"yaml:{tmp_path}/y"}
    return urls.get(request.param, str(request.param))


@pytest.fixture
async def app(url: str) -> Holdall:
    made = Holdall("stand")
    made.add_store("m", url)
    made.add(Secret, store="m", policy=Policy(read=Nobody, write=Nobody))
    made.add(Country, City, store="m", policy=OPEN)
    await made.create()
    async with made.session() as s:
        s.add_all([Secret(id=1, salary=5), Country(code="FR", name="France")])
    return made


async def test_a_tag_is_given_once(app: Holdall) -> None:
    async with Client(app.asgi()) as c:
        await c.post("/cities", {"id": 1, "name": "Paris", "country": "FR"})
        tag = (await c.get("/cities/1")).headers["etag"]
        assert (await c.get("/cities/1", **{"if-none-match": tag})).status == 304
        await c.patch("/countries/FR", {"name": "Frankreich"})
        assert (await c.get("/cities/1", **{"if-none-match": tag})).status == 200, "a computed value is another"
        await c.request("DELETE", "/cities/1")
        await c.post("/cities", {"id": 1, "name": "Another"})
        assert (await c.get("/cities/1", **{"if-none-match": tag})).status == 200, "another record has its version"
        assert (await c.patch("/cities/1", {"name": "over"}, **{"if-match": tag})).status == 412
        assert (await c.get("/cities/1")).json()["name"] == "Another"


async def test_the_tag_of_a_write_is_that_of_the_next_answer(app: Holdall) -> None:
    async with Client(app.asgi()) as c:
        made = await c.post("/cities", {"id": 1, "name": "Paris", "price": "42"})
        found = await c.get("/cities/1")
        assert (made.body, made.headers["etag"]) == (found.body, found.headers["etag"])
        patched = await c.patch("/cities/1", {"price": "43.5"}, **{"if-match": found.headers["etag"]})
        assert patched.status == 200
        again = await c.get("/cities/1")
        assert (patched.body, patched.headers["etag"]) == (again.body, again.headers["etag"])


async def test_what_cannot_be_computed_is_null_and_breaks_nothing(app: Holdall) -> None:
    async with app.session() as s:
        s.add(City(id=1, name="Paris", country="FR", secret=1, share=0))
    async with Client(app.asgi()) as c:
        made = await c.patch("/cities/1", {"name": "Paris"})
        assert made.status == 200
        assert (made.json()["pay"], made.json()["part"], made.json()["label"]) == (None, None, "Paris, France")
        await c.post("/cities", {"id": 2, "name": "Lyon"})
        listed = await c.get("/cities?sort=id")
        assert listed.status == 200
        assert [(row["pay"], row["part"]) for row in listed.json()["data"]] == [(None, None), (0, 1.0)]
        assert (await c.get("/cities/1?fields=pay")).json() == {"pay": None}
        patched = await c.patch("/cities/1", {"share": 4})
        assert (patched.status, patched.json()["part"]) == (200, 0.25)


async def test_a_route_of_ones_own_is_told_what_became_of_its_commit(app: Holdall) -> None:
    def user(request: Request) -> User:
        name = request.headers.get("who")
        if name is None:
            raise HTTPException(401, "say who you are", {"www-authenticate": "Bearer"})
        return User(name)

    service: FastAPI = app.asgi()
    work, its = app.session_dependency(), app.session_dependency(user)
    after: list[int] = []

    async def last() -> Any:
        yield
        after.append(1)

    @service.post("/import/{code}", dependencies=[Depends(last)])
    async def add(code: str, session: Any = work) -> dict[str, bool]:
        session.add(Country(code=code, name="new"))
        return {"ok": True}

    @service.get("/find/{code}")
    async def find(code: str, session: Any = work) -> dict[str, str]:
        return {"name": (await session.require(Country, code)).name}

    @service.post("/mine/{number}")
    async def mine(number: int, session: Any = its) -> dict[str, bool]:
        session.add(Secret(id=number))
        return {"ok": True}

    @service.post("/broken")
    async def broken(session: Any = work) -> None:
        session.add(Country(code="XX", name="lost"))
        raise HTTPException(418, "no")

    async with Client(service) as c:
        assert [(await c.post("/import/DE", None)).status for _ in range(2)] == [200, 409]
        answer = await c.post("/import/FR", None)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await c.get("/find/DE")).json() == {"name": "new"}
        assert (await c.get("/find/ZZ")).status == 404
        assert (await c.post("/broken", None)).status == 418
        assert (await c.get("/find/XX")).status == 404
        assert (await c.post("/mine/1", None)).status == 401
        refused = await c.request("POST", "/mine/1", headers={"who": "ann"})
        assert (refused.status, refused.json()["type"]) == (403, "urn:holdall:forbidden")
