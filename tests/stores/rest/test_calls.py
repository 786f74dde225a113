"""How often, how fast and to whom calls go, and what of an answer is taken."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest

from holdall.errors import (
    CorruptRecord,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.query import Compare, Op, Query
from holdall.store import APPLIED, Change
from holdall.stores.rest import (
    BodyVersion,
    Call,
    Custom,
    Rate,
    RestCollection,
    RestStore,
    Retries,
)
from holdall.testing.fault_server import Reply, Request
from tests.support.rest_api import Api, Shape
from tests.support.rest_customers import (
    CUSTOMER,
    DECLARED,
    NUMBERED,
    VERSIONED,
    add,
    customer,
    opened,
    served,
    update,
)

pytestmark = pytest.mark.anyio

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


async def test_an_update_that_expects_a_version_is_not_sent_again_without_a_key() -> None:
    declared = _with(version=BodyVersion(), update=Call(is_repeatable=True))

    async with served(Reply(status=502), schema=VERSIONED, declared=declared) as (store, server):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([update(version=1)])
        assert caught.value.is_outcome_unknown
        assert len(server.requests) == 1


async def test_retry_after_is_honoured_within_the_time_of_the_call() -> None:
    async with served(Reply(status=503, headers={"Retry-After": "1"}), Reply.json(customer()), timeout=5.0) as (
        store,
        server,
    ):
        began = time.monotonic()
        await store.fetch(_ONE)
        assert time.monotonic() - began >= 1.0
        server.script(Reply(status=429, headers={"Retry-After": "Sat, 21 Nov 2099 06:00:00 GMT"}))
        with pytest.raises(StoreUnavailable, match="429"):
            await store.fetch(_ONE)
        assert len(server.requests) == 3


def test_the_wait_before_a_retry_grows_and_ends() -> None:
    retries = Retries(most=3, first_wait=1.0, most_wait=3.0, most_asked=10.0)
    for retry, longest in ((1, 1.0), (2, 2.0), (3, 3.0)):
        wait = retries.wait(retry, None)
        assert wait is not None
        assert longest / 2 <= wait <= longest
    assert retries.wait(4, None) is None
    assert (retries.wait(1, 10.0), retries.wait(1, 11.0)) == (10.0, None)


async def test_calls_keep_to_the_declared_rate_and_number() -> None:
    open_now: list[int] = []

    async with served(rate=Rate(10, 0.1), connections=3) as (store, server):

        def watch(request: Request) -> Reply:
            open_now.append(server.connections)
            return Reply.json(customer())

        server.otherwise = watch
        began = time.monotonic()
        await asyncio.gather(*(store.fetch(_ONE) for _ in range(30)))
        assert time.monotonic() - began >= 0.19  # ten at once, the other twenty at a hundred a second
        assert max(open_now) <= 3
        assert store.capabilities.limits.concurrent_changes == 3


async def test_redirects_are_followed_on_the_same_host_alone() -> None:
    async with served(Reply(status=301, headers={"Location": "/moved/1"}), Reply.json(customer())) as (store, server):
        assert await store.fetch(_ONE) == [(1, "one", None)]
        assert [request.path for request in server.requests] == ["/customers/1", "/moved/1"]
        server.script(Reply(status=308, headers={"Location": server.url + "/there"}))
        assert await store.apply([update()]) == [APPLIED]
        assert [request.method for request in server.requests[2:]] == ["PATCH", "PATCH"]


def test_a_store_may_be_used_on_one_loop_after_the_other() -> None:
    async def once(store: RestStore, number: int) -> None:
        await store.apply([add(number)])
        assert len(await store.fetch(Query("customer"))) == number
        await store.close()

    with Api([CUSTOMER], {"customer": Shape("none")}) as api:
        declared = RestCollection(path="/customer/{id}", list_at="data")
        store = opened(api.url, declared=declared)
        for number in (1, 2):
            asyncio.run(once(store, number))


async def test_the_total_time_bounds_all_retries_together() -> None:
    async with served(otherwise=lambda request: Reply(delay=60), retries=Retries(most=50, first_wait=0.01)) as (
        store,
        _,
    ):
        began = time.monotonic()
        with pytest.raises(StoreTimeout):
            await store.fetch(_ONE)
        assert time.monotonic() - began < 5  # fifty retries would take twenty


@pytest.mark.parametrize(
    "body, place",
    [
        (b'{"id": 1}', "customer"),
        (b'{"id": "1", "name": "one"}', "id"),
        (b'{"id": 99999999999999999999, "name": "one"}', "id"),
        (b'{"id": 1, "name": "a name of more than twenty characters"}', "name"),
        (b'{"id": 1, "name": "a\\u0000b"}', "name"),
        (b'{"id": 1, "name": "one", "born": "2020-01-01T00:00:00"}', "born"),
        (b'{"id": 1, "name": "one", "born": "0001-01-01T00:00:00+10:00"}', "born"),
        (b'{"id": 1, "name": NaN}', "customer"),
        (b"[]", "customer"),
        (b'{"id": 2, "name": "two"}', "another key"),
    ],
)
async def test_an_answer_is_checked_like_a_users_input(body: bytes, place: str) -> None:
    async with served(Reply(body=body)) as (store, _):
        with pytest.raises(CorruptRecord, match=place) as caught:
            await store.fetch(_ONE)
        assert "a name" not in str(caught.value)


async def test_unknown_members_are_passed_over_and_times_are_in_utc() -> None:
    async with served(Reply.json(customer(born="2020-01-01T12:00:00+02:00", more={"x": 1}))) as (store, _):
        ((_, _, born),) = await store.fetch(_ONE)
        assert born.isoformat() == "2020-01-01T10:00:00+00:00"


# --- what is known of a write, and what is not ------------------------------------------------------------------------

_REPEATABLE = _with(add=Call(idempotency_key="Idempotency-Key"), update=Call(is_repeatable=True))


@pytest.mark.parametrize("change", [add(), update()], ids=["add", "update"])
@pytest.mark.parametrize("status", [400, 403, 409, 412, 422, 429, 501])
async def test_a_call_refused_when_it_is_sent_again_may_have_arrived_before(change: Change, status: int) -> None:
    def later(request: Request) -> Reply:
        return Reply(status=404 if request.method == "GET" else status)

    async with served(Reply(status=502), otherwise=later, declared=_REPEATABLE) as (store, server):
        with pytest.raises(StoreError) as caught:
            await store.apply([change])
        assert getattr(caught.value, "is_outcome_unknown", False)
        assert len(server.requests) >= 2


@pytest.mark.parametrize("change", [add(), update()], ids=["add", "update"])
@pytest.mark.parametrize("status", [400, 403, 409, 412, 422])
async def test_a_call_refused_at_once_did_not_take_place(change: Change, status: int) -> None:
    async with served(Reply(status=status), declared=_REPEATABLE) as (store, _):
        with pytest.raises(StoreError) as caught:
            await store.apply([change])
        assert not getattr(caught.value, "is_outcome_unknown", False)


@pytest.mark.parametrize("status", [401, 308])
async def test_what_goes_wrong_between_two_sendings_does_not_make_the_first_undone(status: int) -> None:
    asked: list[int] = []

    def headers() -> dict[str, str]:
        asked.append(1)
        if len(asked) > 1:
            raise KeyError("no more")
        return {"Authorization": "x"}

    abroad = Reply(status=status, headers={"Location": "http://elsewhere.example/"})
    async with served(Reply(status=502), abroad, declared=_REPEATABLE, auth=Custom(headers)) as (store, server):
        with pytest.raises(StoreUnavailable, match="sent again") as caught:
            await store.apply([update()])
        assert caught.value.is_outcome_unknown
        assert len(server.requests) == 2


def _fail(value: Any) -> Any:
    raise KeyError("planted")


async def test_a_function_that_fails_before_the_call_says_that_nothing_was_sent() -> None:
    payload = _with(update=Call(payload=_fail))
    whole = _with(update=Call(method="PUT"), unwrap=_fail)
    for harness in (served(declared=payload), served(Reply.json(customer()), declared=whole)):
        async with harness as (store, server):
            with pytest.raises(
                StoreError, match=r"failed with KeyError before anything was sent|does not find its way"
            ) as caught:
                await store.apply([update()])
            assert not getattr(caught.value, "is_outcome_unknown", False)
            assert all(request.method == "GET" for request in server.requests)


async def test_a_function_that_fails_after_the_call_leaves_it_unknown() -> None:
    async with served(
        Reply.json(customer(), status=201), schema=NUMBERED, declared=_with(keys="server", unwrap=_fail)
    ) as (store, server):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([add(None)])
        assert caught.value.is_outcome_unknown
        assert len(server.requests) == 1


async def test_an_answer_too_large_before_the_call_says_that_nothing_was_sent() -> None:
    large = Reply.json(customer(note="x" * 5_000))
    async with served(large, declared=_with(update=Call(method="PUT")), max_answer_bytes=1_000) as (store, server):
        with pytest.raises(StoreError) as caught:
            await store.apply([update()])
        assert not getattr(caught.value, "is_outcome_unknown", False)
        assert [request.method for request in server.requests] == ["GET"]
