"""Imports of CSV and of lines of JSON: read as they come, good lines stored, every other one reported."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Nobody, Policy
from holdall.testing.client import Client
from tests.support.service_of_everything import everything, thing
from tests.support.shelves import STORES, library, url_of

pytestmark = pytest.mark.anyio


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True)) as opened:
        yield opened


async def send(client: Client, text: str | bytes | list[bytes], path: str = "/books", **headers: str) -> Any:
    kind = "text/csv" if not isinstance(text, str) or not text.lstrip().startswith("{") else "application/x-ndjson"
    given = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request("POST", path, body=text.encode() if isinstance(text, str) else text, headers=given)


async def books(client: Client) -> dict[int, Any]:
    return {each["id"]: each for each in (await client.get("/books?page_size=500")).json()["data"]}


async def test_good_lines_are_stored_and_others_told(client: Client) -> None:
    await client.post("/books", {"id": 7, "title": "there", "isbn": "x"})
    lines = [
        {"id": 1, "title": "a", "tags": ["x", "y"], "size": {"w": 1}},
        {"id": 2},
        {"id": 3, "title": "c", "nope": 1},
        {"id": 7, "title": "again"},
        {"id": 4, "title": "d", "isbn": "x"},
        {"id": 5, "title": "e", "shelf": "none"},
        {"id": 6, "title": "f"},
        {"id": 6, "title": "g"},
    ]
    text = "\n\n".join([*map(json.dumps, lines), "{", '{"id": 8, "id": 9}'])
    report = await send(client, text)
    assert report.status == 207, report.body
    told = report.json()
    assert (told["lines"], told["created"], told["failed"], told["truncated"]) == (10, 2, 8, False)
    assert [(each["line"], each["path"], each["code"]) for each in told["errors"] if each["line"] != 11] == [
        (3, "title", "required"),
        (5, "nope", "unknown"),
        (15, "", "exists"),
        (17, "", "json"),
        (19, "", "json"),
        (7, "", "exists"),
        (9, "isbn", "unique"),
    ]
    assert [each["path"] for each in told["errors"] if each["line"] == 11] == ["shelf"]
    assert set(await books(client)) == {1, 6, 7}
    assert (await books(client))[1]["tags"] == ["x", "y"]


async def test_rows_of_csv(client: Client) -> None:
    text = (
        "\ufeffid,title,pages,isbn,tags,size,extra,version\r\n"
        '1,"a, ""b""\nc",7,,"[""x""]","{""w"":1}","{""deep"":[1]}",9\r\n'
        "\r\n"
        "2,'=1+1,,i2,,,text,\r\n"
        "x,c,1,,,,,\r\n"
        "3,d\r\n"
        '4,"e,1,,,,,\r\n'
    )
    report = await send(client, text, "/books?skip=version")
    assert report.status == 207, report.body
    assert (report.json()["lines"], report.json()["created"]) == (5, 2)
    assert [(each["line"], each["path"], each["code"]) for each in report.json()["errors"]] == [
        (6, "id", "type"), (7, "", "csv"), (8, "", "csv"),
    ]  # fmt: skip
    found = await books(client)
    assert (found[1]["title"], found[1]["pages"], found[1]["isbn"]) == ('a, "b"\nc', 7, None)
    assert (found[1]["tags"], found[1]["size"], found[1]["extra"]) == (["x"], {"w": 1}, {"deep": [1]})
    assert (found[2]["title"], found[2]["pages"], found[2]["extra"]) == ("=1+1", 0, "text")


async def test_a_rehearsal_stores_nothing(client: Client) -> None:
    await client.post("/books", {"id": 1, "title": "there"})
    report = await send(client, 'id,title\n1,a\n2,b\n3,""\n', prefer="tx=rollback")
    assert (report.status, report.headers["preference-applied"]) == (207, "tx=rollback")
    assert report.json()["failed"] >= 1
    assert set(await books(client)) == {1}
    assert (await send(client, "id,title\n2,b\n", prefer="tx=rollback")).json()["created"] == 1
    assert set(await books(client)) == {1}


async def test_bodies_come_in_parts(client: Client) -> None:
    text = ("id,title\n" + "".join(f'{n},"Ångström ""{n}""\nß"\n' for n in range(1200))).encode()
    parts = [text[place : place + 7] for place in range(0, len(text), 7)]
    report = await send(client, parts)
    assert (report.status, report.json()["created"]) == (200, 1200), report.body
    assert (await client.get("/books/1199")).json()["title"] == 'Ångström "1199"\nß'


async def test_what_ends_an_import() -> None:
    service = library("memory:").asgi(max_body=200, max_import=3)
    async with Client(service) as client:
        for text, path, status, kind in (
            ("id,nope\n1,2\n", "/books", 422, "invalid"),
            ("id,id\n1,2\n", "/books", 422, "invalid"),
            ("id,version\n1,2\n", "/books", 422, "invalid"),
            ("id,title\n1,a\n", "/books?page=1", 422, "query"),
            ("id,title\n1,a\n", "/books?formulas=maybe", 422, "query"),
            ("id,title\n" + "1," + "a" * 300 + "\n", "/books", 413, "too-large"),
        ):
            refused = await send(client, text, path)
            assert (refused.status, refused.json()["type"]) == (status, f"urn:holdall:{kind}"), text
        report = (await send(client, "id,title\n" + "".join(f"{n},a\n" for n in range(9)))).json()
        assert (report["lines"], report["created"], report["failed"]) == (3, 3, 1)
        assert report["errors"][0]["code"] == "limit"
        assert (await send(client, "")).json()["lines"] == 0
        assert (await send(client, "id,title\n10,a\n", if_none_match="*")).status == 412
        latin = await send(client, b"id,title\n11,\xe9\n")
        assert latin.json()["errors"][0]["code"] == "csv"
        wrong = await client.request(
            "POST", "/books", body=b"id\n1", headers={"content-type": "text/csv; charset=latin-1"}
        )
        assert wrong.status == 415
        assert (await client.request("OPTIONS", "/books")).headers["accept-post"] == (
            "application/json, text/csv, application/x-ndjson"
        )


async def test_it_needs_the_right_to_create() -> None:
    async with Client(library("memory:", Policy(read=Everyone, write=Nobody)).asgi()) as client:
        assert (await send(client, "id,title\n1,a\n")).status == 403


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_an_export_is_an_import(form: str) -> None:
    made, copied = everything("memory:").asgi(), everything("memory:").asgi()
    async with Client(made) as one, Client(copied) as two:
        for client in (one, two):
            await client.post("/countries", {"code": "FR", "name": "France"})
            await client.post("/cities", {"name": "Paris", "country": "FR"})
            await client.post("/lines", {"order": 7, "code": "a"})
        await one.post("/things", thing(city=1, line=[7, "a"], cities=[1]))
        await one.post("/things", {"text": "=1+1", "anything": {"=": 1}, "tags": ["a,b", "é"]})
        exported = await one.get(f"/things?format={form}")
        kind = exported.headers["content-type"]
        given = {"content-type": kind}
        report = await two.request("POST", "/things?skip=id", body=exported.body, headers=given)
        assert (report.status, report.json()["created"]) == (200, 2), report.body
        there = [record | {"id": ""} for record in (await one.get("/things")).json()["data"]]
        here = [record | {"id": ""} for record in (await two.get("/things")).json()["data"]]
        assert sorted(map(json.dumps, here)) == sorted(map(json.dumps, there))


_MANY = 100_000 if "LARGE_TRANSFERS" in os.environ else 7_000


async def test_the_memory_of_an_import_is_that_of_a_batch(tmp_path: Path) -> None:
    service = library(f"sqlite:///{tmp_path}/big.db").asgi(create=True)

    def parts(number: int) -> Iterable[bytes]:
        yield b"id,title\n"
        for start in range(0, number, 100):
            yield b"".join(b"%d,%s\n" % (n, b"" if n % 100 == 5 else b"x" * 60) for n in range(start, start + 100))

    async def imported(number: int) -> tuple[int, Any]:
        body = iter(parts(number))

        async def receive() -> dict[str, Any]:
            part = next(body, None)
            return {"type": "http.request", "body": part or b"", "more_body": part is not None}

        sent: list[Any] = []

        async def answer(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"text/csv")]
        scope = {"type": "http", "method": "POST", "path": "/books", "query_string": b"", "headers": headers}
        tracemalloc.start()
        await service(scope, receive, answer)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak, json.loads(sent[1]["body"])

    async with Client(service) as client:
        await imported(1_000)
        await client.delete("/books?id__gte=0")
        few, _ = await imported(1_000)
        await client.delete("/books?id__gte=0")
        bad = _MANY // 100
        many, report = await imported(_MANY)
        assert (report["lines"], report["failed"], len(report["errors"])) == (_MANY, bad, bad)
        assert [error["line"] for error in report["errors"]] == [line + 7 for line in range(0, _MANY, 100)]
        assert await _count(client) == _MANY - bad
        print(f"{_MANY} lines are imported in {many} bytes, 1000 in {few}")
        assert many < few * 3


async def _count(client: Client) -> int:
    return int((await client.get("/books")).json()["total_count"])


@pytest.mark.parametrize(
    "text",
    [b"id,title\r7,a\r", 'id,title\r\n7,"a"\r\n'.encode("utf-16"), b'id,"title\r\n7,a\r\n', b"id,t\xff\r\n7,a\r\n"],
    ids=["ends of lines", "UTF-16", "quotation", "letters"],
)
async def test_a_header_that_is_no_row_is_refused(client: Client, text: bytes) -> None:
    report = await send(client, [text])
    assert (report.status, report.json()["errors"][0]["code"]) == (422, "csv"), report.body
    assert await books(client) == {}
