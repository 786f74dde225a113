"""ObjectIds as types of fields: checked, made, shown, and addresses of records."""

from __future__ import annotations

import asyncio
import json
import os
import time

import pytest

from holdall import Everyone, Holdall, Model, ObjectId, Policy, Ref, field
from holdall.errors import QueryError, ValidationError
from holdall.model import schema_of
from holdall.query import FieldSchema, Generated, Kind, Op, operators_of
from holdall.session.commit.plan import object_ids
from holdall.testing.client import Client

_ID = "65f0c0ffee0123456789abcd"


class Post(Model):
    id: ObjectId = field(pk=True, generated=True, default=None)
    title: str
    editor: ObjectId | None = None


class Comment(Model):
    id: ObjectId = field(pk=True, generated=True)
    post: Ref[Post | None] = field(default=None)


@pytest.mark.parametrize("value", ["", _ID.upper(), _ID[:-1], f"{_ID}\n", f"{_ID}0", "g" * 24, 5, b"x" * 12])
def test_nothing_else_is_an_object_id(value: object) -> None:
    with pytest.raises(ValidationError, match="id"):
        Post(id=value, title="t")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="editor"):
        Post(title="t", editor=value)  # type: ignore[arg-type]


def test_stores_learn_which_text_is_one() -> None:
    schema = schema_of(Comment, "comment", lambda model: model.__holdall__.collection)
    assert schema.field("post").target_key[0].is_object_id
    key = Post.__holdall__.by_name["id"]
    assert (key.is_object_id, key.generated) == (True, Generated.CLIENT)
    assert not Post.__holdall__.by_name["title"].is_object_id


def test_nothing_looks_into_one() -> None:
    found = operators_of(FieldSchema("id", Kind.STR, is_object_id=True))
    assert {Op.EQ, Op.LT, Op.BETWEEN} <= found
    assert not {Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH, Op.ICONTAINS} & found


def test_made_ones_differ_and_begin_with_their_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0x65F0C0FF)
    made = [object_ids.new_object_id() for _ in range(300)]
    assert len(set(made)) == 300
    assert {each[:8] for each in made} == {"65f0c0ff"}
    assert {len(each) for each in made} == {24}
    assert len({each[8:18] for each in made}) == 1
    monkeypatch.setattr(os, "getpid", lambda: -2)
    assert object_ids.new_object_id()[8:18] != made[0][8:18]


def _app() -> Holdall:
    app = Holdall("blog")
    app.add_store("main", "memory:")
    app.add(Post, Comment, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


def test_keys_are_made_before_the_commit_and_refer() -> None:
    async def scene() -> None:
        app = _app()
        async with app.session() as session:
            post = session.add(Post(title="t"))
            given = session.add(Post(id=_ID, title="given"))
            session.add(Comment(post=post))
        assert given.id == _ID
        async with app.session() as session:
            comment = await session.one(Comment.where(Comment.post.title == "t"))
            assert comment.post.key == post.id
            with pytest.raises(QueryError):
                await session.query(Post.where(Post.id == "x"))
        await app.close()

    asyncio.run(scene())


def test_they_are_addresses_and_parameters() -> None:
    async def scene() -> None:
        app = _app()
        async with Client(app.asgi()) as client:
            made = await client.post("/post", {"title": "t"})
            assert made.status == 201
            key = made.headers["location"].rpartition("/")[2]
            assert json.loads(made.body)["id"] == key
            assert (await client.get(f"/post/{key}")).status == 200
            assert (await client.get(f"/post?id={key}&id__gte={key}")).json()["total_count"] == 1
            assert (await client.post("/comment", {"post": key})).status == 201
            assert (await client.get(f"/post/{'0' * 24}")).status == 404
            wrong = [
                await client.get("/post/x"),
                await client.get("/post?id=x"),
                await client.get("/post?id__contains=0"),
                await client.post("/post", {"id": "x", "title": "t"}),
                await client.post("/comment", {"post": "x"}),
            ]
            assert [answer.status for answer in wrong] == [422] * 5
            schema = (await client.get("/openapi.json")).json()["components"]["schemas"]
            assert any("[0-9a-f]{24}" in json.dumps(each) for each in schema.values())
        await app.close()

    asyncio.run(scene())
