"""Actions over HTTP: like other writes, refused alike, and never half done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Context, Holdall
from holdall.testing.client import Answer, Client
from holdall.web import Idempotency
from tests.support.bookstore import Book, Card, bookstore, filled, who

pytestmark = pytest.mark.anyio


class Asking:
    """A service and its application."""

    def __init__(self, app: Holdall, **options: Any) -> None:
        self.app = app
        self.client = Client(app.asgi(authenticate=who, docs=False, secret=b"s" * 32, **options))

    async def send(
        self, method: str, path: str, body: Any = None, user: str = "ann", raw: bytes | None = None, **headers: str
    ) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"content-type": "application/json"} if body is not None or raw is not None else {}
        return await self.client.request(
            method, path, body=sent if raw is None else raw, headers=kind | {"x-user": user} | given
        )

    async def act(self, path: str, body: Any = None, user: str = "ann", **headers: str) -> Answer:
        return await self.send("POST", path, body, user, None, **headers)

    async def book(self, key: int = 1) -> Any:
        async with self.app.session() as session:
            return await session.get(Book, key)


@pytest.fixture(params=["memory", "sqlite"])
async def asking(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asking]:
    app = bookstore("memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'books.db'}")
    service = Asking(app, idempotency=Idempotency(), max_bulk=8)
    if request.param == "sqlite":
        await app.create()
    await filled(app)
    yield service
    await app.close()


def codes(answer: Answer) -> list[tuple[str, str]]:
    return [(error["path"], error["code"]) for error in answer.json().get("errors", [])]


async def test_the_result_comes_with_the_tag_of_the_record(asking: Asking) -> None:
    answer = await asking.act("/books/1/actions/vote", {"score": 8})
    assert (answer.status, answer.json()) == (200, {"result": 8.0})
    read = await asking.send("GET", "/books/1")
    assert answer.headers["etag"] == read.headers["etag"]
    again = await asking.act("/books/1/actions/vote", {"score": 8}, if_match=answer.headers["etag"])
    assert again.status == 200
    stale = await asking.act("/books/1/actions/vote", {"score": 8}, if_match=answer.headers["etag"])
    assert (stale.status, stale.json()["type"]) == (412, "urn:holdall:precondition")
    assert (await asking.book()).votes == 2


async def test_records_in_results_are_shown_as_to_the_user(asking: Asking) -> None:
    answer = await asking.act("/books/1/actions/publish")
    shown = (await asking.send("GET", "/books/1")).json()
    assert answer.json() == {"result": shown}
    assert "margin" not in shown
    assert shown["status"] == "published"
    async with asking.app.session() as session:
        assert [card.text for card in await session.query(Card.where())] == ["published b01"]


@pytest.mark.parametrize(
    "path, body, wrong",
    [
        ("/books/1/actions/vote", {"score": 99, "more": 1}, [("more", "unknown"), ("score", "le")]),
        ("/books/1/actions/vote", {"score": None}, [("score", "required")]),
        ("/books/1/actions/vote", {"score": "8"}, [("score", "type")]),
        ("/books/1/actions/vote", {}, [("score", "required")]),
        ("/books/1/actions/vote", None, [("score", "required")]),
        ("/books/1/actions/vote", [], [("", "type")]),
        ("/books/1/actions/vote?x=1", {"score": 1}, [("x", "unknown")]),
        ("/books/actions/vote?zzz=1", {"score": 1}, [("zzz", "unknown")]),
        ("/books/actions/vote?margin=1", {"score": 1}, [("margin", "unknown")]),
        ("/books/actions/vote?sort=title", {"score": 1}, [("sort", "unknown")]),
        ("/books/actions/vote", {"score": 1}, []),
        ("/books/actions/report?selection=zzz", None, [("selection", "unknown")]),
        ("/books/actions/report?selection=margins", None, [("selection", "unknown")]),
        ("/books/actions/report?selection=french-books&pages=x", None, [("pages", "type")]),
        ("/books/actions/report?selection=french-books&pages=1&pages=2", None, [("pages", "repeated")]),
        ("/books/actions/import-titles", {"titles": ["a", 1], "author": 99}, [("titles.1", "type")]),
        ("/books/actions/import-titles", {"titles": ["a"], "author": 99}, [("author", "reference")]),
        ("/books/actions/import-titles?x=1", {"titles": []}, [("x", "unknown")]),
    ],
)
async def test_what_is_wrong_is_told_at_once(path: str, body: Any, wrong: list[tuple[str, str]]) -> None:
    asking = Asking(bookstore())
    await filled(asking.app)
    answer = await asking.act(path, body)
    assert (answer.status, codes(answer)) == (422, wrong)
    async with asking.app.session() as session:
        assert await session.count(Book.where(Book.votes > 0)) == 0
        assert await session.count(Book.where()) == 12


@pytest.mark.parametrize(
    "raw, status",
    [
        (b"{", 400),
        (b'{"score": 1, "score": 2}', 400),
        (b"[" * 40_000, 400),
        (b'{"score": 1e999}', 400),
        (b'{"score": NaN}', 400),
        (b'{"score": ' + b"9" * 400 + b"}", 422),
        (b'{"score": 1, "comment": "\\ud800"}', 400),
        (b'{"score": 1, "comment": "\\u0000"}', 422),
        (b'{"score": 1, "comment": "' + b"x" * 101 + b'"}', 422),
        (b'{"score": 1, "comment": "' + b"x" * 2_000_000 + b'"}', 413),
        (b'{"score": {"$gt": 1}}', 422),
    ],
)
async def test_bodies_that_are_no_inputs_write_nothing(raw: bytes, status: int) -> None:
    asking = Asking(bookstore())
    await filled(asking.app, 1)
    answer = await asking.send("POST", "/books/1/actions/vote", raw=raw)
    assert answer.status == status, answer.body
    assert (await asking.book()).votes == 0


async def test_other_methods_and_media_types_are_refused(asking: Asking) -> None:
    for method in ("PUT", "PATCH", "DELETE", "GET"):
        answer = await asking.send(method, "/books/1/actions/vote", {"score": 1})
        assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert (await asking.send("OPTIONS", "/books/1/actions/vote")).status == 204
    typed = await asking.send("POST", "/books/1/actions/vote", raw=b"score=1", content_type="text/plain")
    assert typed.status == 415
    assert (await asking.book()).votes == 0


async def test_actions_that_may_not_be_seen_are_as_those_that_are_not_there(asking: Asking) -> None:
    absent = await asking.act("/books/1/actions/zzz", {}, user="eve")
    for path in (
        "/books/1/actions/publish",
        "/books/99/actions/publish",
        "/books/actions/report?pages=1",
        "/books/actions/import-titles",
        "/books/actions/publish",  # on one record alone
        "/books/1/actions/import-titles",  # on nothing
        "/zzz/1/actions/vote",
        "/countries/FR/actions/vote",  # of a collection that has none
    ):
        for method in ("POST", "GET", "OPTIONS"):
            answer = await asking.send(method, path, {}, user="eve")
            assert (answer.status, answer.body) == (404, absent.body), (method, path)
            assert answer.headers.keys() == absent.headers.keys()


async def test_records_that_may_not_be_read_are_as_those_that_are_not_there(asking: Asking) -> None:
    absent = await asking.act("/books/777/actions/vote", {"score": 1})
    hidden = await asking.act("/books/4/actions/vote", {"score": 1})
    assert (hidden.status, hidden.body) == (absent.status, absent.body) == (404, absent.body)
    strange = await asking.act("/books/x/actions/vote", {"score": 1})
    assert (strange.status, strange.body) == (404, absent.body)
    filtered = await asking.act("/books/actions/vote?id__in=3,4,777", {"score": 1})
    assert filtered.json() == {"affected": 1, "results": [{"key": "3", "result": 1.0}]}
    assert (await asking.book(4)).votes == 0


async def test_who_may_not_execute_it_is_told_why(asking: Asking) -> None:
    unknown = await asking.act("/books/1/actions/vote", {"score": 1}, user="")
    assert (unknown.status, "www-authenticate" in unknown.headers) == (401, True)
    eve = await asking.act("/books/1/actions/vote", {"score": 1}, user="eve")
    assert (eve.status, eve.json()["type"]) == (403, "urn:holdall:not-available")
    assert eve.json()["detail"] == "The action is not available: it is for role reader"
    assert (await asking.act("/books/1/actions/publish")).status == 200
    twice = await asking.act("/books/1/actions/publish")
    assert (twice.status, codes(twice)) == (403, [("1", "not-available")])
    drop = await asking.act("/books/1/actions/drop")
    assert (drop.status, drop.json()["type"]) == (403, "urn:holdall:forbidden")  # by the rights of the user
    assert await asking.book() is not None


async def test_an_action_that_fails_writes_nothing(asking: Asking) -> None:
    one = await asking.act("/books/1/actions/vote", {"score": 8, "comment": "fail"})
    assert (one.status, one.json()["type"]) == (500, "urn:holdall:failure")
    assert b"planted" not in one.body
    several = await asking.act("/books/actions/vote?pages__lt=400", {"score": 8, "comment": "fail"})
    assert several.status == 500
    nested = await asking.act("/books/1/actions/outer", {"inner": "fail"})
    assert nested.status == 500
    async with asking.app.session() as session:
        assert await session.count(Book.where(Book.votes > 0)) == 0


async def test_several_are_counted_first(asking: Asking) -> None:
    for path in ("pages__gte=1", "pages__lt=400&max-affected=2"):
        answer = await asking.act(f"/books/actions/vote?{path}", {"score": 1})
        assert (answer.status, answer.json()["type"]) == (422, "urn:holdall:limit")
    preferred = await asking.act("/books/actions/vote?pages__lt=400", {"score": 1}, prefer="max-affected=2")
    assert preferred.status == 422
    async with asking.app.session() as session:
        assert await session.count(Book.where(Book.votes > 0)) == 0
    done = await asking.act("/books/actions/vote?pages__lt=400&max-affected=3", {"score": 1})
    assert (done.status, done.json()["affected"]) == (200, 3)


async def test_a_selection_says_what_it_is_done_on(asking: Asking) -> None:
    answer = await asking.act("/books/actions/report?selection=french-books&pages=300")
    assert answer.json() == {"affected": 2, "result": ["b10", "b06"]}
    narrowed = await asking.act("/books/actions/report?selection=french-books&title=b06")
    assert narrowed.json() == {"affected": 1, "result": ["b06"]}
    drafts = await asking.act("/books/actions/vote?selection=drafts", {"score": 1})
    assert [each["key"] for each in drafts.json()["results"]] == ["1", "2", "3"]


async def test_files_are_saved_and_not_shown(asking: Asking) -> None:
    label = await asking.act("/books/1/actions/label")
    assert (label.status, label.body, label.headers["content-type"]) == (200, b"<b01>", "text/plain")
    assert label.headers["content-disposition"] == 'attachment; filename="label.txt"'
    assert label.headers["x-content-type-options"] == "nosniff"
    export = await asking.act("/books/actions/export?selection=french-books", {"columns": ["title"]})
    assert export.body == b"title\r\nb10\r\nb06\r\nb02\r\n"


async def test_preferences_are_those_of_writes(asking: Asking) -> None:
    least = await asking.act("/books/1/actions/vote", {"score": 8}, prefer="return=minimal")
    assert (least.status, least.body, least.headers["preference-applied"]) == (204, b"", "return=minimal")
    plan = await asking.act("/books/1/actions/vote", {"score": 8}, prefer="tx=rollback")
    assert plan.headers["content-type"] == "application/vnd.holdall.plan+json"
    assert plan.json()["plan"] == [{"act": "update", "collection": "books", "records": 1}]
    several = await asking.act("/books/actions/vote?pages__lt=400", {"score": 8}, prefer="tx=rollback")
    assert sum(each["records"] for each in several.json()["plan"]) == 3
    made = await asking.act("/books/actions/import-titles", {"titles": ["x"]}, prefer="tx=rollback")
    assert made.json()["plan"] == [{"act": "create", "collection": "books", "records": 1}]
    assert (await asking.book()).votes == 1
    async with asking.app.session() as session:
        assert await session.count(Book.where()) == 12


async def test_a_request_with_a_key_is_done_once(asking: Asking) -> None:
    sent = [await asking.act("/books/1/actions/vote", {"score": 8}, idempotency_key='"k"') for _ in range(3)]
    assert [(answer.status, answer.body) for answer in sent] == [(200, b'{"result":8.0}')] * 3
    assert [answer.headers.get("idempotent-replayed") for answer in sent] == [None, "true", "true"]
    assert (await asking.book()).votes == 1
    other = await asking.act("/books/2/actions/vote", {"score": 8}, idempotency_key='"k"')
    assert (other.status, other.json()["type"]) == (422, "urn:holdall:idempotency-key")
    alone = [await asking.act("/books/actions/import-titles", {"titles": ["x"]}, idempotency_key='"i"') for _ in "12"]
    assert alone[0].body == alone[1].body
    async with asking.app.session() as session:
        assert await session.count(Book.where()) == 13


async def test_votes_at_once_are_all_counted(asking: Asking) -> None:
    answers = await asyncio.gather(*[asking.act("/books/1/actions/vote", {"score": 8}) for _ in range(20)])
    assert {answer.status for answer in answers} == {200}
    assert (await asking.book()).votes == 20


async def test_an_action_that_is_not_repeated_is_refused_where_somebody_was_faster(asking: Asking) -> None:
    answers = await asyncio.gather(*[asking.act("/books/1/actions/drop", user="lib") for _ in range(3)])
    statuses = sorted(answer.status for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {404, 409}
    assert await asking.book() is None


async def test_middleware_stands_around_it_and_sees_the_request() -> None:
    app = bookstore()
    seen: list[Any] = []

    @app.middleware
    async def note(context: Context) -> AsyncIterator[None]:
        seen.append((context.user.id, context.meta.get("method"), context.meta.get("path")))
        yield
        seen.append("end")

    asking = Asking(app)
    await filled(app)
    answer = await asking.act("/books/1/actions/publish")
    assert answer.status == 200
    assert seen == [("ann", "POST", "/books/1/actions/publish"), "end"]
    again = await asking.act("/books/1/actions/publish")
    assert again.status == 403


async def test_require_match_is_for_actions_on_a_record_too() -> None:
    asking = Asking(bookstore(), require_match=True)
    await filled(asking.app)
    assert (await asking.act("/books/1/actions/vote", {"score": 1})).status == 428
    assert (await asking.act("/books/1/actions/vote", {"score": 1}, if_match="*")).status == 200


async def test_meta_has_what_the_user_may_see() -> None:
    asking = Asking(bookstore())
    await filled(asking.app)
    seen = {user: (await asking.send("GET", "/books/_meta", user=user)).json() for user in ("ann", "eve", "lib")}
    names = {user: [each["name"] for each in meta["actions"]] for user, meta in seen.items()}
    assert names["eve"] == ["vote", "label", "drop", "duplicate"]
    assert names["ann"][:4] == ["vote", "publish", "report", "import-titles"]
    vote, publish = seen["ann"]["actions"][:2]
    assert vote["paths"] == ["/books/{key}/actions/vote", "/books/actions/vote"]
    assert vote["inputs"]["properties"]["score"] == {"type": "number", "minimum": 0, "maximum": 10}
    assert (vote["result"], vote["title"], vote["on"]) == ({"type": "number"}, "Give a book a mark.", "each")
    assert (vote["available"], seen["eve"]["actions"][0]["available"]) == (True, False)
    assert publish["result"] == {"$ref": "#/components/schemas/Book.Record"}
    chosen = {user: [each["name"] for each in meta["selections"]] for user, meta in seen.items()}
    assert chosen == {
        "ann": ["french-books", "drafts"],
        "eve": ["french-books"],
        "lib": ["french-books", "drafts", "margins"],
    }
    french = seen["ann"]["selections"][0]
    assert [column["name"] for column in french["columns"]] == ["title", "author.name"]
    assert "actions" not in (await asking.send("GET", "/countries/_meta")).json()
