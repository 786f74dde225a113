"""Tools for assistants, asked as a client of the Model Context Protocol asks: what is listed, called, and refused."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client

from holdall import (
    Action,
    ActionPolicy,
    All,
    Context,
    Each,
    Everyone,
    Holdall,
    Many,
    Model,
    Nobody,
    Nothing,
    One,
    Policy,
    Ref,
    Role,
    User,
    back,
    field,
    param,
)
from holdall.cli import Failure
from holdall.cli.acting import Acting
from holdall.cli.assistants import MisusedTool, Tool, server_of, tools_of
from holdall.cli.assistants.tool import key_path
from holdall.cli.mcp import service_of

pytestmark = pytest.mark.anyio


class Author(Model, collection="authors"):
    id: int = field(pk=True)
    name: str
    books: Many[Book] = back("author")


class Book(Model, collection="books"):
    """A book of the library."""

    id: int = field(pk=True, generated=True)
    title: str = field(length=(1, 20))
    pages: int = field(default=0, ge=0)
    author: Ref[Author | None] = field(default=None)
    version: int = field(version=True)


class Line(Model, collection="lines"):
    book: int = field(pk=True)
    number: str = field(pk=True)


class Grow(Action[Book], on=Each):
    """Add pages."""

    by: int

    async def run(self, context: Context, book: Book) -> int:
        book.pages += self.by
        return book.pages


class Titles(Action[Book], on=All):
    async def run(self, context: Context, books: list[Book]) -> list[str]:
        return [book.title for book in books]


class Name(Action[Book], on=One):
    async def run(self, context: Context, book: Book) -> str:
        return book.title


class Tick(Action[Book], on=Nothing):
    async def run(self, context: Context) -> str:
        return "tock"


async def library() -> Holdall:
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Author, Line, store="main", policy=Policy(read=Everyone, write=Nobody))
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Role("clerk")))
    for action in (Grow, Titles, Name, Tick):
        app.add_action(action, ActionPolicy(execute=Role("clerk")))
    app.add_selection("long", Book.where(Book.pages >= param("pages", int)).only(Book.id, Book.title))
    async with app.session() as session:
        ann = session.add(Author(id=1, name="Ann"))
        session.add_all([Book(title=f"b{n}", pages=n * 10, author=ann) for n in range(1, 6)])
        session.add(Line(book=1, number="a b,c"))
    return app


@contextlib.asynccontextmanager
async def _asked(
    login: str | None = None, roles: list[str] | None = None, *, is_reading: bool = False
) -> AsyncIterator[Client]:
    app = await library()
    service = await service_of(app, Acting(login, roles))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the client's own packages
            async with Client(server_of(service, app.name, is_reading=is_reading)) as client:
                yield client
    finally:
        await app.close()


def clerk() -> Any:
    return _asked(login="cleo", roles=["clerk"])


async def called(client: Client, name: str, **arguments: object) -> tuple[bool, Any]:
    """Whether a call was refused, and what it gave."""
    result = await client.call_tool(name, arguments)
    assert result.content[0].type == "text"
    text = result.content[0].text
    if result.structured_content is not None:
        assert json.loads(text) == result.structured_content
        return bool(result.is_error), result.structured_content
    return bool(result.is_error), text


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


_READING = {
    *(f"{collection}_{verb}" for collection in ("authors", "books", "lines") for verb in ("list", "get")),
    "books_select_long",
}
_WRITING = {
    *(f"books_{verb}" for verb in ("create", "update", "delete")),
    *(f"books_act_{action}" for action in ("grow", "titles", "name", "tick")),
}


async def test_a_user_has_the_tools_of_his_rights() -> None:
    async with clerk() as client:
        assert await names(client) == _READING | _WRITING
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        record = tools["books_create"].input_schema["properties"]["record"]
        assert (record["required"], set(record["properties"])) == (["title"], {"title", "pages", "author"})
        hints = {name: tool.annotations.read_only_hint for name, tool in tools.items() if tool.annotations}
        assert {name for name, is_reading in hints.items() if is_reading} == _READING
        assert "$ref" not in json.dumps(record) or "$defs" in tools["books_create"].input_schema
    for options in ({}, {"login": "ann"}, {"login": "cleo", "roles": ["clerk"], "is_reading": True}):
        async with _asked(**options) as client:
            assert await names(client) == _READING
            refused, told = await called(client, "books_delete", key=1)
            assert (refused, "there is no tool 'books_delete'" in told) == (True, True)


async def test_records_are_listed_by_page_filtered_and_with_what_they_refer_to() -> None:
    async with _asked() as client:
        first = (await called(client, "books_list", filters={"pages__gt": 10}, sort=["-pages"], page_size=2))[1]
        assert [book["title"] for book in first["data"]] == ["b5", "b4"]
        second = (
            await called(
                client,
                "books_list",
                filters={"pages__gt": 10},
                sort=["-pages"],
                page_size=2,
                after=first["next"],
                include=["author"],
                fields=["title", "author.name"],
            )
        )[1]
        assert second["data"][0] == {"title": "b3", "author": {"name": "Ann"}}
        several = (await called(client, "books_list", filters={"title__in": ["b1", "b,2"], "author.name": "Ann"}))[1]
        assert [book["title"] for book in several["data"]] == ["b1"]
        line = (await called(client, "lines_get", key=[1, "a b,c"]))[1]
        assert line["record"] == {"book": 1, "number": "a b,c"}


async def test_a_record_is_made_changed_where_nobody_did_and_deleted() -> None:
    async with clerk() as client:
        made = (await called(client, "books_create", record={"title": "Emma", "author": 1}))[1]
        key = made["record"]["id"]
        changed = (await called(client, "books_update", key=key, changes={"pages": 7}, etag=made["etag"]))[1]
        assert (changed["record"]["pages"], changed["etag"] != made["etag"]) == (7, True)
        refused, told = await called(client, "books_update", key=key, changes={"pages": 8}, etag=made["etag"])
        assert (refused, told["status"]) == (True, 412)
        assert (await called(client, "books_get", key=key))[1]["record"]["pages"] == 7
        assert (await called(client, "books_delete", key=key))[0] is False
        assert (await called(client, "books_get", key=key))[1]["status"] == 404


async def test_actions_run_on_what_is_meant_or_tell_what_they_would_write() -> None:
    async with clerk() as client:
        one = await called(client, "books_act_grow", key=1, inputs={"by": 5})
        assert one[1]["result"] == 15
        dry = (await called(client, "books_act_grow", filters={"pages__gt": 20}, inputs={"by": 5}, dry_run=True))[1]
        assert dry["plan"][0]["records"] == 3
        bound = await called(client, "books_act_grow", filters={"pages__gt": 20}, inputs={"by": 5}, max_affected=1)
        assert bound[0]
        grown = (await called(client, "books_act_grow", filters={"pages__gt": 20}, inputs={"by": 5}))[1]
        assert [each["result"] for each in grown["results"]] == [35, 45, 55]
        assert (await called(client, "books_act_titles", filters={"id": 1}))[1]["result"] == ["b1"]
        assert (await called(client, "books_act_name", key=2))[1]["result"] == "b2"
        assert (await called(client, "books_act_tick"))[1]["result"] == "tock"


async def test_a_selection_takes_its_parameters() -> None:
    async with _asked() as client:
        rows = (await called(client, "books_select_long", parameters={"pages": 40}, sort=["title"]))[1]
        assert rows["data"] == [{"id": 4, "title": "b4"}, {"id": 5, "title": "b5"}]
        refused, told = await called(client, "books_select_long", parameters={"pages": "x"})
        assert (refused, told["errors"][0]["path"]) == (True, "pages")


@pytest.mark.parametrize(
    "name, arguments, said",
    [
        ("books_lst", {}, "there is no tool 'books_lst'; did you mean books_list"),
        ("books_list", {"filter": {}}, "books_list takes no argument 'filter'; did you mean filters?"),
        ("books_list", {"filters": "pages>1"}, "filters must be an object"),
        ("books_list", {"filters": {"id__in": []}}, "id__in has no members"),
        ("books_list", {"filters": {"author": None}}, "author__isnull is true or false"),
        ("books_list", {"filters": {"title__in": ["b1", None]}}, "title__isnull is true or false"),
        ("books_list", {"page_size": 101}, "page_size must be at most 100"),
        ("books_list", {"page_size": True}, "page_size must be a whole number"),
        ("books_list", {"sort": "title"}, "sort must be an array"),
        ("books_list", {"fields": [1]}, "fields must have members of which each must be a string"),
        ("books_get", {"key": None}, "key must be a string or a number or an array"),
        ("books_act_grow", {"key": 1, "filters": {"id": 2}, "inputs": {"by": 1}}, "give key or filters"),
        ("books_get", {}, "books_get needs key"),
        ("books_get", {"key": ".."}, "not empty and not only dots"),
        ("books_create", {"record": {"title": "", "pags": 1}}, "pags"),
        ("books_list", {"filters": {"pags": 1}}, "pags"),
        ("books_act_grow", {"key": 1}, "books_act_grow needs inputs"),
        ("books_act_name", {}, "books_act_name needs key"),
        ("books_act_grow", {"inputs": {"by": 1}}, ""),
    ],
)
async def test_a_misused_tool_says_what_to_give(name: str, arguments: dict[str, object], said: str) -> None:
    async with clerk() as client:
        refused, told = await called(client, name, **arguments)
        assert refused
        assert said in (told if isinstance(told, str) else json.dumps(told))


async def test_a_login_that_nobody_has_is_refused_before_anything_is_served() -> None:
    app = await library()
    app.find_user(_nobody)
    with pytest.raises(Failure, match="there is no active user 'ann'"):
        await service_of(app, Acting("ann"))
    await app.close()


async def _nobody(login: str) -> None:
    return None


async def test_an_account_that_is_closed_meanwhile_is_an_anonymous_visitor() -> None:
    app, known = await library(), {"cleo": User("cleo", roles=frozenset({"clerk"}))}

    async def find(login: str) -> User | None:
        return known.get(login)

    app.find_user(find)
    service = await service_of(app, Acting("cleo"))
    assert set(await tools_of(service)) == _READING | _WRITING
    known.clear()
    assert set(await tools_of(service)) == _READING
    await app.close()


def test_keys_are_parts_of_a_path() -> None:
    assert key_path("a/b?c") == "a%2Fb%3Fc"
    with pytest.raises(MisusedTool):
        key_path("")


def test_a_tool_says_what_it_lacks() -> None:
    tool = Tool("t", "", {"properties": {"key": {}}, "required": ["key"]}, lambda given: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(MisusedTool, match="t needs key"):
        tool.request({})
