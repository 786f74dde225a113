"""What a write sends: keys, payloads, paths, versions, tags."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdall.errors import (
    AlreadyExists,
    StaleVersion,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema
from holdall.store import APPLIED, Change, Outcome, Verb
from holdall.stores.rest import (
    BodyVersion,
    Call,
    ETags,
    RestCollection,
)
from holdall.testing.fault_server import Reply, Request
from tests.support.rest_customers import (
    DECLARED,
    NUMBERED,
    VERSIONED,
    add,
    customer,
    opened,
    remove,
    served,
    update,
)

pytestmark = pytest.mark.anyio

_ALL = Query[object]("customer")
_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


async def test_a_key_made_there_comes_from_the_body_or_from_location() -> None:
    declared = _with(keys="server", item_at="data")

    async with served(schema=NUMBERED, declared=declared) as (store, server):
        server.script(
            Reply.json({"data": {"id": 7}}, 201),
            Reply(status=201, body=b"", media_type="", headers={"Location": "/v1/customers/8"}),
            Reply.json({"data": {}}, 201, Location="https://api.example.com/customers/9"),
            Reply(status=201, body=b"", media_type=""),
        )
        for key in (7, 8, 9):
            assert await store.apply([add(None)]) == [Outcome(key=key)]
        with pytest.raises(StoreUnavailable, match="key") as caught:
            await store.apply([add(None)])
        assert caught.value.is_outcome_unknown
        assert msgspec.json.decode(server.requests[0].body) == {"name": "one"}


async def test_a_key_of_ours_goes_by_post_or_by_put() -> None:
    async with served(Reply(status=201, body=b"", media_type="")) as (store, server):
        await store.apply([add(5)])
        assert [(request.method, request.path) for request in server.requests] == [("POST", "/customers")]
    async with served(Reply(status=204, body=b"", media_type=""), declared=_with(add=Call(method="PUT"))) as (
        store,
        server,
    ):
        await store.apply([add(5)])
        (request,) = server.requests
        assert (request.method, request.path, request.headers["if-none-match"]) == ("PUT", "/customers/5", "*")


async def test_a_put_overwrites_nothing_where_the_api_knows_no_conditions() -> None:
    declared = _with(add=Call(method="PUT"), guard_header=False)
    async with served(Reply.json(customer()), Reply(status=404), declared=declared) as (store, server):
        with pytest.raises(AlreadyExists):
            await store.apply([add()])
        assert await store.apply([add()]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "GET", "PUT"]


async def test_an_idempotency_key_is_the_changes_own_and_the_same_each_time() -> None:
    declared = _with(add=Call(idempotency_key="Idempotency-Key"))

    async with served(Reply(status=503), declared=declared) as (store, server):
        assert await store.apply([add(token="abc")]) == [APPLIED]
        assert await store.apply([add(2)]) == [APPLIED]
        tokens = [request.headers["idempotency-key"] for request in server.requests]
        assert tokens[:2] == ["abc", "abc"]
        assert len(tokens[2]) == 36


async def test_a_payload_has_the_apis_own_names_and_shape() -> None:
    declared = _with(
        path="/orgs/{org}/customers/{id}",
        list_path="/orgs/{org}/customers",
        names={"name": "profile.full_name"},
        wrap="customer",
        read_only=frozenset({"born"}),
        add=Call(
            parameters={"org": "a/c"},
            query={"notify": "no"},
            headers={"X-Via": "us"},
            payload=lambda body: body | {"kind": "person"},
        ),
        get=None,
        list=None,
        update=None,
        remove=None,
    )

    async with served(declared=declared) as (store, server):
        change = Change(Verb.ADD, "customer", 1, ("id", "name", "born"), (1, "one", None))
        await store.apply([change])
        (request,) = server.requests
        assert request.path == "/orgs/a%2Fc/customers?notify=no"
        assert request.headers["x-via"] == "us"
        assert msgspec.json.decode(request.body) == {
            "customer": {"id": 1, "profile": {"full_name": "one"}, "kind": "person"}
        }
        for unsupported in (update(), remove()):
            with pytest.raises(Unsupported):
                await store.apply([unsupported])
        with pytest.raises(Unsupported):
            await store.fetch(Query("customer"))


async def test_a_large_body_goes_whole() -> None:
    schema = Schema("customer", (FieldSchema("id", Kind.INT), FieldSchema("name", Kind.STR)), ("id",))

    async with served(schema=schema) as (store, server):
        await store.apply([add(name="x" * 2**21)])
        assert msgspec.json.decode(server.requests[0].body)["name"] == "x" * 2**21


@pytest.mark.parametrize("key", [".", "..", "", "a/b", "a?b#c", "é %2F"])
async def test_a_key_cannot_leave_its_place_in_the_path(key: str) -> None:
    schema = Schema("customer", (FieldSchema("id", Kind.STR), FieldSchema("name", Kind.STR)), ("id",))

    async with served(schema=schema) as (store, server):
        if key in ("", ".", ".."):
            with pytest.raises(StoreError, match="path"):
                await store.apply([Change(Verb.REMOVE, "customer", key)])
            with pytest.raises(StoreError, match="path"):
                await store.apply([add(key)])
            with pytest.raises(StoreError, match="path"):
                await store.fetch(_ALL.where(Compare(("id",), Op.EQ, key)))
            assert not server.requests
            return
        await store.apply([Change(Verb.REMOVE, "customer", key)])
        assert server.requests[0].path.count("/") == 2
        assert "?" not in server.requests[0].path


async def test_a_version_in_the_body_is_asked_for_in_a_header_or_a_parameter() -> None:
    async with served(schema=VERSIONED, declared=_with(version=BodyVersion())) as (store, server):
        await store.apply([update(version=3)])
        await store.apply([remove(version=4)])
        first, second = server.requests
        assert (first.headers["if-match"], msgspec.json.decode(first.body)) == ('"3"', {"name": "new"})
        assert second.headers["if-match"] == '"4"'
    declared = _with(version=BodyVersion(header="", query="expect", is_sent=True))
    async with served(schema=VERSIONED, declared=declared) as (store, server):
        await store.apply([update(version=3)])
        (request,) = server.requests
        assert request.path == "/customers/1?expect=3"
        assert msgspec.json.decode(request.body) == {"name": "new", "version": 4}


class _Tagged:
    """An API with a single customer that has a tag and no version."""

    def __init__(self, *, tells: bool = True) -> None:
        self.name, self.count, self.tells = "one", 0, tells

    def __call__(self, request: Request) -> Reply:
        tag = f'"t{self.count}"'
        expected = request.headers.get("if-match")
        if expected not in (None, tag):
            return Reply(status=412)
        if request.method in ("PATCH", "PUT"):
            self.name, self.count = msgspec.json.decode(request.body)["name"], self.count + 1
            if not self.tells:
                return Reply(status=204, body=b"", media_type="")
        return Reply.json(customer(name=self.name), ETag=f'"t{self.count}"')


def _versioned(update_by: str = "PATCH") -> dict[str, Any]:
    declared = _with(version=ETags(), update=Call(method=update_by))
    return {"schema": VERSIONED, "declared": declared}


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_tag_that_was_read_guards_the_next_write(method: str) -> None:
    api = _Tagged()

    async with served(otherwise=api, **_versioned(method)) as (store, _):
        ((_, _, version),) = await store.fetch(_ONE)
        assert await store.apply([update(name="second", version=version)]) == [APPLIED]
        assert await store.apply([update(name="third", version=version + 1)]) == [APPLIED]
        for stale in (version, version + 1, 12345):
            with pytest.raises(StaleVersion):
                await store.apply([update(name="late", version=stale)])
        assert api.name == "third"


async def test_a_record_whose_tag_is_not_known_is_read_before_it_is_written() -> None:
    api = _Tagged()

    async with served(otherwise=api, **_versioned()) as (store, server):
        other = opened(server.url, VERSIONED, _with(version=ETags()))
        ((_, _, version),) = await other.fetch(_ONE)
        await other.close()
        assert await store.apply([update(name="second", version=version)]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "GET", "PATCH"]
        assert server.requests[-1].headers["if-match"] == '"t0"'


async def test_an_api_that_tells_no_tag_after_a_write_makes_the_next_one_stale() -> None:
    async with served(otherwise=_Tagged(tells=False), **_versioned()) as (store, _):
        ((_, _, version),) = await store.fetch(_ONE)
        await store.apply([update(name="second", version=version)])
        with pytest.raises(StaleVersion):
            await store.apply([update(name="third", version=version + 1)])
        ((_, _, fresh),) = await store.fetch(_ONE)
        assert await store.apply([remove(version=fresh)]) == [APPLIED]


async def test_a_whole_record_is_put_back_with_what_we_do_not_know_of() -> None:
    answers = [
        Reply.json({"data": customer(born=None, extra={"kept": [1]})}, ETag='"1"'),
        Reply(status=412),
        Reply.json({"data": customer(born=None, extra={"kept": [2]})}, ETag='"2"'),
        Reply(status=204, body=b"", media_type=""),
    ]

    async with served(*answers, declared=_with(update=Call(method="PUT"), item_at="data")) as (store, server):
        assert await store.apply([update(name="new")]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "PUT", "GET", "PUT"]
        last = server.requests[-1]
        assert last.headers["if-match"] == '"2"'
        assert msgspec.json.decode(last.body) == customer(name="new", born=None, extra={"kept": [2]})
        server.script(Reply(status=404))
        with pytest.raises(StaleVersion):
            await store.apply([update()])
