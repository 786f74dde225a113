"""An answer to a write is believed where it can come from an API that did it; otherwise its outcome is unknown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdall.errors import StoreError, StoreUnavailable, UpstreamError
from holdall.query import Compare, Op, Query
from holdall.store import APPLIED, Change, Outcome
from holdall.stores.rest import Call, ETags, RestCollection
from holdall.testing.fault_server import Reply
from tests.support.rest_customers import DECLARED, NUMBERED, VERSIONED, add, customer, remove, served, update

pytestmark = pytest.mark.anyio

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))
_EMPTY: dict[str, Any] = {"body": b"", "media_type": ""}


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


@pytest.mark.parametrize("change", [add(1), update(1, name="two"), remove(1)], ids=["add", "update", "remove"])
@pytest.mark.parametrize("status", [302, 303])
async def test_a_write_that_leads_on_to_another_page_may_have_been_done(change: Change, status: int) -> None:
    async with served(Reply(status=status, headers={"Location": "/customers/1"}, **_EMPTY)) as (store, server):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([change])
        assert caught.value.is_outcome_unknown
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 301, 304])
async def test_a_write_at_a_place_that_has_moved_was_not_done(status: int) -> None:
    async with served(Reply(status=status, headers={"Location": "/v2/customers/1"}, **_EMPTY)) as (store, _):
        with pytest.raises(UpstreamError, match=str(status)):
            await store.apply([update(1, name="two")])


@pytest.mark.parametrize("change", [add(1), update(1, name="two"), remove(1)], ids=["add", "update", "remove"])
@pytest.mark.parametrize(
    "told",
    [{"error": "no"}, {"errors": [{"code": 1}]}, {"success": False}, {"ok": False}, {"status": "error", "data": None}],
    ids=str,
)
async def test_an_error_in_an_answer_of_200_is_no_success(change: Change, told: Any) -> None:
    async with served(Reply.json(told)) as (store, _):
        with pytest.raises(StoreUnavailable, match="error") as caught:
            await store.apply([change])
        assert caught.value.is_outcome_unknown


@pytest.mark.parametrize("told", [{}, {"success": True, "error": None}, [], "done", {"errors": []}, 1e300], ids=str)
async def test_an_answer_that_says_nothing_of_the_record_is_believed(told: Any) -> None:
    for change in (add(1), update(1, name="two"), remove(1)):
        async with served(Reply.json(told)) as (store, _):
            assert await store.apply([change]) == [APPLIED]


async def test_what_a_record_says_of_itself_is_no_error_of_the_call() -> None:
    for change in (add(1), update(1, name="two")):
        async with served(Reply.json(customer(1, error="it failed", success=False, size=10**30))) as (store, _):
            assert await store.apply([change]) == [APPLIED]


async def test_a_record_added_under_another_key_than_ours_is_not_taken_for_it() -> None:
    async with served(Reply.json(customer(7), 201)) as (store, _):
        with pytest.raises(StoreUnavailable, match="another key") as caught:
            await store.apply([add(1)])
        assert caught.value.is_outcome_unknown
    async with served(Reply.json({"data": customer(7)}, 201), declared=_with(item_at="data")) as (store, _):
        with pytest.raises(StoreUnavailable, match="another key"):
            await store.apply([add(1)])
    by_put = _with(add=Call(method="PUT"))  # its place says under which key
    async with served(Reply.json({"id": 7}, 201), declared=by_put) as (store, _):
        assert await store.apply([add(1)]) == [APPLIED]


async def test_the_place_of_a_job_is_not_that_of_the_record() -> None:
    declared = _with(keys="server")
    job = Reply(status=202, headers={"Location": "/jobs/customers/7"}, **_EMPTY)
    async with served(job, schema=NUMBERED, declared=declared) as (store, _):
        with pytest.raises(StoreUnavailable, match="key"):
            await store.apply([add(None)])
    done = Reply.json({"id": 8}, 202, Location="/jobs/customers/7")
    async with served(done, schema=NUMBERED, declared=declared) as (store, _):
        assert await store.apply([add(None)]) == [Outcome(key=8)]


@pytest.mark.parametrize("tag", ["", "*", '"a", "b"', 'W/"a"', "W/a"])
async def test_a_tag_that_would_let_every_write_pass_guards_none(tag: str) -> None:
    declared = _with(version=ETags())
    reply = Reply(body=msgspec.json.encode(customer(1)), headers={"ETag": tag})
    async with served(otherwise=lambda _: reply, schema=VERSIONED, declared=declared) as (store, server):
        version = (await store.fetch(_ONE))[0][-1]
        with pytest.raises(StoreError, match="ETag"):
            await store.apply([update(1, version=version, name="two")])
        assert {request.method for request in server.requests} == {"GET"}
