"""What the standards ask of headers, statuses and bodies: RFC 9110 for the most part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Line(Model, collection="lines"):
    order: int = field(pk=True)
    place: str = field(pk=True)


class Item(Model, collection="items"):
    id: int = field(pk=True)
    price: Decimal = field(default=Decimal(0))
    line: Ref[Line | None] = field(default=None)
    others: Many[Item] = field(default=())


def app() -> Any:
    made = Holdall("standards")
    made.add_store("m", "memory:")
    made.add(Line, Item, store="m", policy=OPEN)
    return made.asgi()


async def test_what_is_kept_says_so_when_it_has_not_changed() -> None:
    async with Client(app()) as c:
        made = await c.post("/items", {"id": 1})
        for path in ("/items", "/items/1"):
            read = await c.get(path)
            again = await c.get(path, **{"if-none-match": read.headers["etag"]})
            assert again.status == 304
            assert again.headers["cache-control"] == read.headers["cache-control"]
        assert made.headers["etag"] == (await c.get("/items/1")).headers["etag"]


async def test_a_false_if_match_stops_every_method() -> None:
    async with Client(app()) as c:
        tag = (await c.post("/items", {"id": 1})).headers["etag"]
        for path in ("/items", "/items/1"):
            assert (await c.get(path, **{"if-match": '"x"'})).status == 412
            assert (await c.get(path, **{"if-match": (await c.get(path)).headers["etag"]})).status == 200
            assert (await c.get(path, **{"if-match": "*"})).status == 200
        assert (await c.get("/items/1", **{"if-match": f'"x", {tag}'})).status == 200
        for condition, status in (({"if-match": '"x"'}, 412), ({"if-none-match": "*"}, 412), ({"if-match": "*"}, 201)):
            made = await c.request("POST", "/items", body=b'{"id":2}', headers=condition)
            assert made.status == status, condition


@pytest.mark.parametrize(
    "content_type, status",
    [
        ("application/json", 201),
        ("application/json; charset=utf8", 201),
        ('application/json ; charset="UTF-8"; version=1', 201),
        ('application/json; profile="a;charset=latin-1"', 201),
        ("application/json; charset=latin-1", 415),
        ("application/json; version=1; charset=utf-16", 415),
        ("text/plain", 415),
    ],
)
async def test_a_media_type_may_have_parameters(content_type: str, status: int) -> None:
    async with Client(app()) as c:
        made = await c.request("POST", "/items", body=b'{"id":1}', headers={"content-type": content_type})
        assert made.status == status


async def test_a_body_that_is_encoded_is_told_which_codings_there_are() -> None:
    async with Client(app()) as c:
        for coding, status in (("br", 415), ("gzip", 400), ("identity", 201)):
            made = await c.request("POST", "/items", body=b'{"id":1}', headers={"content-encoding": coding})
            assert made.status == status
            assert status != 415 or made.headers["accept-encoding"] == "gzip, identity"


async def test_options_tell_what_a_patch_may_be_and_titles_are_those_of_today() -> None:
    async with Client(app()) as c:
        await c.post("/items", {"id": 1})
        assert (await c.request("OPTIONS", "/items/1")).headers["accept-patch"] == (
            "application/merge-patch+json, application/json, application/json-patch+json"
        )
        assert (await c.request("OPTIONS", "/items")).headers["accept-post"] == (
            "application/json, text/csv, application/x-ndjson"
        )
        large = await c.request("POST", "/items", headers={"content-length": "99999999"})
        assert (large.status, large.json()["title"]) == (413, "Content Too Large")
        assert (await c.get(f"/items?x={'a' * 9000}")).json()["title"] == "URI Too Long"
        assert (await c.get("/items?x=1")).json()["title"] == "Unprocessable Content"


async def test_a_decimal_is_written_as_the_document_says() -> None:
    async with Client(app()) as c:
        await c.post("/items", {"id": 1})
        for text in (" 1", "1_000", "5.", "\u0661", "0x1", "", "NaN"):
            for answer in (
                await c.patch("/items/1", {"price": text}),
                await c.post("/items", {"id": 2, "price": text}),
            ):
                assert answer.status == 422, text
                assert [error["path"] for error in answer.json()["errors"]] == ["price"]
        for text in (" 1", "1_000", "5.", "%D9%A1"):
            assert (await c.get(f"/items?price={text}")).status == 422
        for text in ("1", "-1.50", "+2", "1e5", "1E-3"):
            assert (await c.patch("/items/1", {"price": text})).status == 200
            assert (await c.get(f"/items?price={text.replace('+', '%2B')}")).json()["total_count"] == 1
        assert (await c.request("PATCH", "/items/1", body=b'{"price": 12.5}')).json()["price"] == "12.5"


async def test_messages_are_about_what_was_sent() -> None:
    async with Client(app()) as c:
        (breach,) = (await c.post("/items", {"id": 1, "line": [1]})).json()["errors"]
        assert breach["message"] == "must have 2 items"


async def test_what_a_store_cannot_do_is_told_by_what_was_asked(redis_url: str) -> None:
    made = Holdall("unindexed")
    made.add_store("m", redis_url, prefix="unindexed")
    made.add(Item, Line, store="m", policy=OPEN)
    async with Client(made.asgi(create=True)) as c:
        for asked, named in (("price=1", "price of items"), ("sort=-price", "the sort by price")):
            refused = await c.get(f"/items?{asked}")
            assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:unsupported")
            assert named in refused.json()["detail"]
