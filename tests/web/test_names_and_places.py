"""What a service lets be created can be named by a path, a cursor and a field; what cannot, is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.query import FieldSchema, Kind, Schema
from holdall.testing.client import Client
from holdall.web.cursor import MAX_LENGTH, Cursors
from holdall.web.key import MAX_KEY, KeyText

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Inner(msgspec.Struct):
    w: int
    deep: dict[str, Inner] = {}


@dataclass
class Box:
    size: Inner
    sizes: list[Inner] = dataclass_field(default_factory=list)


class Rec(Model, collection="recs"):
    id: str = field(pk=True)
    text: str = field(default="")
    box: Box | None = field(default=None)


class Line(Model, collection="lines"):
    order: str = field(pk=True)
    place: str = field(pk=True)


def app() -> Any:
    made = Holdall("names")
    made.add_store("m", "memory:")
    made.add(Rec, Line, store="m", policy=OPEN)
    return made.asgi()


@pytest.mark.parametrize("key", ["", ".", "..", "x" * (MAX_KEY + 1), "é" * MAX_KEY])
async def test_a_key_that_no_path_can_name_is_refused(key: str) -> None:
    async with Client(app()) as c:
        answer = await c.post("/recs", {"id": key})
        assert (answer.status, answer.json()["errors"][0]["path"]) == (422, "id")
        assert (await c.get("/recs")).json()["total_count"] == 0


@pytest.mark.parametrize("key", ["a", "a/b", "a b", "%2F", "...", ".a", "é", "a,b", "?", "#", "x" * MAX_KEY])
async def test_every_other_key_is_named_by_its_location(key: str) -> None:
    async with Client(app()) as c:
        made = await c.post("/recs", {"id": key})
        assert made.status == 201
        assert (await c.get(made.headers["location"])).json()["id"] == key
        assert (await c.request("DELETE", made.headers["location"])).status == 204


PART = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(PART, PART)
def test_keys_of_several_parts_are_read_however_they_are_encoded(one: str, two: str) -> None:
    schema = Schema("line", (FieldSchema("order", Kind.STR), FieldSchema("place", Kind.STR)), ("order", "place"))
    keys = KeyText(schema)
    ours = keys.write((one, two))
    assert keys.read(ours) == (one, two)
    assert keys.read(quote(ours, safe="")) == (one, two), "the whole segment, as generated clients encode it"


async def test_a_generated_client_finds_a_key_of_several_parts() -> None:
    async with Client(app()) as c:
        await c.post("/lines", {"order": "1", "place": "a"})
        assert [(await c.get(path)).status for path in ("/lines/1,a", "/lines/1%2Ca", "/lines/1%2ca")] == [200] * 3


@pytest.mark.parametrize("length", [10, 1_000, 4_000])
async def test_a_cursor_that_is_given_is_taken(length: int) -> None:
    async with Client(app()) as c:
        for number in range(3):
            await c.post("/recs", {"id": str(number), "text": "é" * (length // 2) + str(number)})
        page = (await c.get("/recs?sort=text&page_size=1&after=")).json()
        seen = [row["id"] for row in page["data"]]
        for _ in range(2):
            page = (await c.get(f"/recs?sort=text&page_size=1&after={page['next']}")).json()
            seen += [row["id"] for row in page["data"]]
        assert seen == ["0", "1", "2"]


def test_a_cursor_that_would_not_be_taken_is_not_given() -> None:
    from holdall.errors import LimitExceeded

    with pytest.raises(LimitExceeded, match="cursor"):
        Cursors(b"secret").make("recs", (), ("x" * MAX_LENGTH,))


@pytest.mark.parametrize(
    "box, path",
    [
        ({"size": {"w": 1, "nope": 2}}, "box.size.nope"),
        ({"size": {"w": 1}, "nope": 1}, "box.nope"),
        ({"size": {"w": 1, "deep": {"a": {"w": 1, "nope": 1}}}}, "box.size.deep.a.nope"),
        ({"size": {"w": 1}, "sizes": [{"w": 1}, {"w": 2, "nope": 1}]}, "box.sizes.1.nope"),
    ],
)
async def test_a_name_that_is_unknown_inside_a_value_is_refused(box: Any, path: str) -> None:
    async with Client(app()) as c:
        for answer in (await c.post("/recs", {"id": "a", "box": box}),):
            assert answer.status == 422
            assert [(e["path"], e["code"]) for e in answer.json()["errors"]] == [(path, "unknown")]
        assert (await c.post("/recs", {"id": "a", "box": {"size": {"w": 1, "deep": {"a": {"w": 2}}}}})).status == 201
        answer = await c.patch("/recs/a", {"box": box})
        assert (answer.status, answer.json()["errors"][0]["path"]) == (422, path)
