"""``q=``: full-text search in lists, in their description, and in views that hide what is searched."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from holdall import ANONYMOUS, SYSTEM, Everyone, FieldRights, Holdall, Model, Nobody, Policy, field
from holdall.errors import QueryError
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, include_view

pytestmark = pytest.mark.anyio


class Essay(Model, collection="essays", search=("title", "body")):
    id: int = field(pk=True)
    title: str
    body: str | None = None
    q: str = ""


class Memo(Model, collection="memos"):
    id: int = field(pk=True)
    q: str


def opened(url: str = "memory:") -> Holdall:
    app = Holdall("essays")
    app.add_store("main", url)
    app.add(Essay, Memo, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


async def filled(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Essay(id=1, title="The Left Hand of Darkness", q="a"))
        session.add(Essay(id=2, title="Straße", body="a hand on the left", q="b"))
        session.add(Memo(id=1, q="a"))


@pytest.mark.parametrize(
    "query, expected",
    [
        ("q=left", [1, 2]),
        ("q=%22left+hand%22", [1]),
        ("q=STRASSE&title__startswith=S", [2]),
        ("q=hand+-dark*&sort=-id", [2]),
        ("q=hand&q__eq=b", [2]),
        ("q=hand&q=strasse", [2]),
        ("q=hand&page_size=1&page=2&sort=id", [2]),
    ],
)
async def test_lists_are_searched(query: str, expected: list[int]) -> None:
    app = opened()
    async with Client(app.asgi(create=True)) as client:
        await filled(app)
        answer = await client.get(f"/essays?{query}")
        assert answer.status == 200, answer.body
        assert [each["id"] for each in answer.json()["data"]] == expected


@pytest.mark.parametrize("query", ["q=", "q=%E2%80%A6", "q=" + "a+" * 300, "q=" + "x" * 201])
async def test_what_cannot_be_searched_for_is_refused(query: str) -> None:
    async with Client(opened().asgi(create=True)) as client:
        answer = await client.get(f"/essays?{query}")
        assert answer.status == 422
        assert {each["path"] for each in answer.json()["errors"]} == {"q"}


async def test_a_field_of_that_name_is_asked_for_where_nothing_is_searched() -> None:
    app = opened()
    async with Client(app.asgi(create=True)) as client:
        await filled(app)
        assert [each["id"] for each in (await client.get("/memos?q=a")).json()["data"]] == [1]
        document = (await client.get("/openapi.json")).json()
    names = {
        path: [each.get("name") for each in document["paths"][path]["get"]["parameters"]]
        for path in ("/essays", "/memos")
    }
    assert "q" in names["/essays"]
    assert "q__eq" in names["/essays"]
    assert names["/memos"].count("q") == 1
    assert "q__eq" not in names["/memos"]


class Shown(BaseModel):
    id: int
    title: str
    body: str | None


class Titles(BaseModel):
    id: int
    title: str
    q: str


@pytest.mark.parametrize("schema", [Shown, Titles])
async def test_a_view_searches_what_it_shows_alone(schema: type[BaseModel]) -> None:
    class Essays(AsyncRestView[Essay]):
        prefix, acts_for = "/view", SYSTEM

    Essays.schema = schema
    app, service = opened(), FastAPI()
    include_view(service, Essays, app=app)
    async with Client(service) as client:
        await app.create()
        await filled(app)
        answer = await client.get("/view?q=left")
        document = (await client.get("/openapi.json")).json()
        parameters = {each["name"]: each for each in document["paths"]["/view"]["get"]["parameters"]}
        if schema is Shown:
            assert [each["id"] for each in answer.json()["data"]] == [1, 2]
            assert "Words" in parameters["q"]["description"]
        else:  # which hides the body
            assert answer.status == 422
            assert [each["id"] for each in (await client.get("/view?q__eq=b")).json()["data"]] == [2]


async def test_a_text_that_the_user_may_not_read_is_not_searched() -> None:
    fields = {"body": FieldRights(read=Nobody)}
    app = Holdall("essays")
    app.add_store("main", "memory:")
    app.add(Essay, store="main", policy=Policy(read=Everyone, write=Everyone, fields=fields))
    app.add(Memo, store="main", policy=Policy(read=Nobody))
    async with Client(app.asgi(create=True)) as client:
        await filled(app)
        hidden, unknown = await client.get("/essays?body=x"), await client.get("/essays?q=left")
        assert (hidden.status, unknown.status) == (422, 422)
        assert [each["code"] for each in unknown.json()["errors"]] == ["unknown"]
        group = await client.get("/essays?or=(q=left,id=1)")
        assert group.status == 422
    async with app.session(user=ANONYMOUS) as session:
        with pytest.raises(QueryError, match="body"):
            await session.query(Essay.where(Essay.search("left")))


async def test_groups_of_filters_have_searches() -> None:
    app = opened()
    async with Client(app.asgi(create=True)) as client:
        await filled(app)
        assert [each["id"] for each in (await client.get("/essays?or=(q=utopia,q=strasse)")).json()["data"]] == [2]
        assert [each["id"] for each in (await client.get("/essays?not=(q=dark*)")).json()["data"]] == [2]
        assert (await client.get("/essays?or=(q=!,id=1)")).status == 422
