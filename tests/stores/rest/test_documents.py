"""What a write makes of the JSON that is there: numbers, objects, forms, tags, keys and places."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.errors import Conflict, CorruptRecord, StoreError
from holdall.query import Compare, FieldSchema, Generated, Kind, Op, Query, Schema
from holdall.store import APPLIED, Change, Outcome, Verb
from holdall.stores.rest import BodyVersion, Call, ETags, PageSize, RestCollection
from holdall.stores.rest.bodies import encode, read_document
from holdall.stores.rest.merging import holds_null, patch_of
from holdall.testing.fault_server import Reply, Request
from tests.support.rest_customers import CUSTOMER, DECLARED, NUMBERED, VERSIONED, add, customer, served, update

pytestmark = pytest.mark.anyio

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))
_PUT = msgspec.structs.replace(DECLARED, update=Call(method="PUT"))
_MERGE = msgspec.structs.replace(DECLARED, update=Call(media_type="application/merge-patch+json"))
_NOTE = Schema(
    "customer",
    (FieldSchema("id", Kind.INT), FieldSchema("meta", Kind.JSON, nullable=True), FieldSchema("version", Kind.INT)),
    ("id",),
    version="version",
)


async def _bodies(change: Change, *replies: Reply, **options: Any) -> list[bytes]:
    """The bodies of what was sent for the change."""

    async with served(*replies, **options) as (store, server):
        assert await store.apply([change]) == [APPLIED]
        return [request.body for request in server.requests if request.body]


# --- numbers ----------------------------------------------------------------------------------------------------------

_DIGITS = ["12345678901234567.89", "1.50", "1e5", "1E400", "-0.0", "-0", "0.1000", "123456789012345678901234567890"]


@pytest.mark.parametrize("digits", [*_DIGITS, "1" * 5000], ids=lambda digits: digits[:40])
@pytest.mark.parametrize(
    "declared", [_PUT, msgspec.structs.replace(_PUT, unwrap=lambda body: body)], ids=["as it is", "unwrapped"]
)
async def test_numbers_that_the_model_does_not_know_go_back_as_they_came(digits: str, declared: RestCollection) -> None:
    body = f'{{"id":1,"name":"one","balance":{digits},"deep":[{{"n":{digits}}}]}}'
    (sent,) = await _bodies(update(), Reply(body=body.encode()), declared=declared)
    assert sent.decode() == body.replace("one", "new")


_NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(st.recursive(_NUMBERS, lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda x: f"[{','.join(x)}]")))
def test_every_number_is_written_as_it_was_read(text: str) -> None:
    assert encode(read_document(text.encode()), "application/json").decode() == text


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_json_is_not_sent_back(constant: str) -> None:
    async with served(Reply(body=f'{{"id":1,"name":"one","x":{constant}}}'.encode()), declared=_PUT) as (store, server):
        with pytest.raises(CorruptRecord):
            await store.apply([update()])
        assert len(server.requests) == 1


# --- merge patches ----------------------------------------------------------------------------------------------------


def _merged(target: Any, patch: Any) -> Any:
    """The algorithm of RFC 7396, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


_LEAVES = st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2) | st.lists(st.none() | st.integers(0, 3))
_OBJECTS = st.recursive(_LEAVES, lambda inner: st.dictionaries(st.text("abc", max_size=2), inner, max_size=3))


@given(_OBJECTS | st.none(), _OBJECTS)
def test_what_is_patched_is_what_was_meant(old: Any, new: Any) -> None:
    assert _merged(old, patch_of(old, new)) == new


@given(st.recursive(_LEAVES | st.none(), lambda inner: st.dictionaries(st.text("ab"), inner, max_size=3)))
def test_a_null_inside_an_object_is_seen(value: Any) -> None:
    assert holds_null(value) == (isinstance(value, dict) and _merged({}, value) != value)


def _note_update(meta: Any, version: int | None = 1) -> Change:
    if version is None:
        return Change(Verb.UPDATE, "customer", 1, ("meta",), (meta,))
    return Change(Verb.UPDATE, "customer", 1, ("meta", "version"), (meta, version + 1), version)


async def test_members_taken_out_of_an_object_are_taken_out_there() -> None:
    versioned = msgspec.structs.replace(_MERGE, version=BodyVersion())

    note = {"id": 1, "meta": {"a": 1, "b": 2, "deep": {"x": 1}}, "version": 1}
    async with served(Reply.json(note), schema=_NOTE, declared=versioned) as (store, server):
        await store.apply([_note_update({"b": 3, "deep": {"y": 1}})])
        patch = server.requests[-1]
        assert msgspec.json.decode(patch.body) == {"meta": {"a": None, "b": 3, "deep": {"x": None, "y": 1}}}
        assert patch.headers["if-match"] == '"1"'


async def test_an_object_is_read_before_it_is_patched_and_nothing_else_is() -> None:
    versioned = msgspec.structs.replace(_MERGE, version=BodyVersion())

    async with served(schema=_NOTE, declared=versioned) as (store, server):
        for value in ([{"a": None}], "text", None, 3):
            await store.apply([_note_update(value)])
        assert [request.method for request in server.requests] == ["PATCH"] * 4


async def test_a_null_that_a_merge_patch_cannot_write_is_refused() -> None:
    versioned = msgspec.structs.replace(_MERGE, version=BodyVersion())

    async with served(schema=_NOTE, declared=versioned) as (store, server):
        with pytest.raises(StoreError, match=r"customer\.meta.*null"):
            await store.apply([_note_update({"a": {"b": None}})])
        assert not server.requests


async def test_a_record_that_changes_between_its_reading_and_its_patch_is_read_again() -> None:
    schema = Schema("customer", (_NOTE.fields[0], _NOTE.fields[1]), ("id",))

    first = Reply.json({"id": 1, "meta": {"a": 1}}, ETag='"1"')
    second = Reply.json({"id": 1, "meta": {"c": 1}}, ETag='"2"')
    async with served(first, Reply(status=412), second, schema=schema, declared=_MERGE) as (store, server):
        assert await store.apply([_note_update({"b": 1}, None)]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "PATCH", "GET", "PATCH"]
        assert msgspec.json.decode(server.requests[-1].body) == {"meta": {"b": 1, "c": None}}
        assert server.requests[-1].headers["if-match"] == '"2"'


# --- forms ------------------------------------------------------------------------------------------------------------


async def test_a_form_is_sent_where_forms_are_taken() -> None:
    form = msgspec.structs.replace(DECLARED, add=Call(media_type="application/x-www-form-urlencoded"))

    async with served(declared=form) as (store, server):
        await store.apply([add(name="a&b=c é")])
        (request,) = server.requests
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(request.body.decode()) == [("id", "1"), ("name", "a&b=c é")]


def test_a_form_tells_objects_lists_and_nothing() -> None:
    value: Any = {"a": {"b": 1, "c": [True, {"d": 1.5}]}, "e": None, "f": []}
    told = parse_qsl(encode(value, "application/x-www-form-urlencoded; charset=utf-8").decode(), True)
    assert told == [("a[b]", "1"), ("a[c][0]", "true"), ("a[c][1][d]", "1.5"), ("e", "")]


# --- tags -------------------------------------------------------------------------------------------------------------

_TAGGED = msgspec.structs.replace(DECLARED, version=ETags())


async def test_a_weak_tag_is_told_and_guards_nothing() -> None:
    async with served(otherwise=lambda _: Reply.json(customer(), ETag='W/"1"'), schema=VERSIONED, declared=_TAGGED) as (
        store,
        server,
    ):
        ((_, _, version),) = await store.fetch(_ONE)
        with pytest.raises(StoreError, match="weak"):
            await store.apply([update(version=version)])
        assert {request.method for request in server.requests} == {"GET"}
        assert {request.headers["accept-encoding"] for request in server.requests} == {"identity"}


async def test_a_weak_tag_after_a_write_is_not_kept() -> None:
    replies = [Reply.json(customer(), ETag='"1"'), Reply.json(customer(name="new"), ETag='W/"2"')]

    async with served(*replies, schema=VERSIONED, declared=_TAGGED) as (store, server):
        ((_, _, version),) = await store.fetch(_ONE)
        await store.apply([update(version=version)])
        server.script(Reply.json(customer(name="new"), ETag='"2"'), Reply.json(customer(name="newer")))
        await store.apply([update(name="newer", version=version + 1)])
        assert [request.headers.get("if-match") for request in server.requests] == [None, '"1"', None, '"2"']


async def test_a_whole_record_with_a_weak_tag_is_put_without_a_condition() -> None:
    async with served(Reply.json(customer(), ETag='W/"1"'), declared=_PUT) as (store, server):
        await store.apply([update()])
        assert "if-match" not in server.requests[-1].headers


# --- keys and places --------------------------------------------------------------------------------------------------

_UUID = UUID("0192d3a0-1111-7222-8333-444455556666")


@pytest.mark.parametrize(
    "kind, text, key", [(Kind.UUID, str(_UUID), _UUID), (Kind.STR, "a b", "a b"), (Kind.INT, "7", 7)]
)
async def test_keys_of_every_kind_are_made_there(kind: Kind, text: str, key: Any) -> None:
    schema = Schema(
        "customer",
        (FieldSchema("id", kind, generated=Generated.STORE), FieldSchema("name", Kind.STR)),
        ("id",),
    )
    located = {"Location": f"/customers/{text.replace(' ', '%20')}/#part"}

    in_body = Reply.json({"id": key}, 201)
    in_header = Reply(status=201, body=b"", media_type="", headers=located)
    async with served(in_body, in_header, schema=schema, declared=msgspec.structs.replace(DECLARED, keys="server")) as (
        store,
        _,
    ):
        for _ in range(2):
            assert await store.apply([add(None)]) == [Outcome(key=key)]


async def test_a_refused_precondition_of_an_addition_is_no_key_that_is_there_already() -> None:
    async with served(
        Reply(status=412), schema=NUMBERED, declared=msgspec.structs.replace(DECLARED, keys="server")
    ) as (store, _):
        with pytest.raises(Conflict) as caught:
            await store.apply([add(None)])
        assert type(caught.value) is Conflict


@pytest.mark.parametrize(
    "path, asked",
    [
        ("/pets/{id}/", ["/pets/1/", "/pets/"]),
        ("/pets/{id}", ["/pets/1", "/pets"]),
        ("/pets/{id}.json", ["/pets/1.json", "/pets.json"]),
        ("/{id}", ["/1", "/"]),
    ],
)
async def test_what_follows_the_key_follows_the_list(path: str, asked: list[str]) -> None:
    async with served(otherwise=lambda _: Reply.json(customer()), declared=RestCollection(path=path)) as (
        store,
        server,
    ):
        await store.fetch(_ONE)
        assert await store.apply([add()]) == [APPLIED]
        assert [request.path for request in server.requests] == asked


async def test_a_list_in_an_order_of_its_own_can_be_begun_anywhere() -> None:
    declared = msgspec.structs.replace(DECLARED, order=("id",), paging=PageSize(), list_at="data")

    def page(request: Request) -> Reply:
        return Reply.json(
            {"data": [customer(3), customer(4)] if "page=2" in request.path else [customer(), customer(2)]}
        )

    async with served(otherwise=page, schema=CUSTOMER, declared=declared) as (store, _):
        rows = await store.fetch(Query[object]("customer").limit(2).offset(2))
        assert [row[0] for row in rows] == [3, 4]


async def test_a_write_that_came_too_often_is_sent_again_when_it_may() -> None:
    async with served(Reply(status=429, headers={"Retry-After": "0"})) as (store, server):
        assert await store.apply([add()]) == [APPLIED]
        assert len(server.requests) == 2


async def test_another_record_than_the_one_that_is_changed_is_not_sent_back() -> None:
    async with served(Reply.json(customer(2)), declared=_PUT) as (store, server):
        with pytest.raises(CorruptRecord, match="another key"):
            await store.apply([update()])
        assert [request.method for request in server.requests] == ["GET"]
