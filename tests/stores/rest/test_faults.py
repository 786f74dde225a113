"""Every fault of the fault server, met by a read, by an add that may not be repeated, and by an update that may."""

from __future__ import annotations

import time
from typing import Any

import pytest

from holdall.errors import (
    CorruptRecord,
    HoldallError,
    LimitExceeded,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    UpstreamError,
)
from holdall.query import Compare, Op, Query
from holdall.store import APPLIED
from holdall.stores.rest import Call, RestCollection
from holdall.testing.fault_server import FAULTS, Reply
from tests.support.rest_customers import DECLARED, add, customer, remove, served, update

pytestmark = pytest.mark.anyio

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))
_MOST_SECONDS = 5  # for calls of 0.8 seconds in all; what hangs would hang for an hour

_READ: dict[str, type[HoldallError]] = {
    "error": StoreUnavailable,
    "bad gateway": StoreUnavailable,
    "unavailable": StoreUnavailable,
    "unavailable for long": StoreUnavailable,
    "too many": StoreUnavailable,
    "gateway timeout": StoreTimeout,
    "length too long": StoreUnavailable,
    "length too short": StoreUnavailable,
    "no answer": StoreUnavailable,
    "cut in the head": StoreUnavailable,
    "cut in the body": StoreUnavailable,
    "redirect away": UpstreamError,
    "redirect in circles": UpstreamError,
    "huge": LimitExceeded,
    "huge without length": LimitExceeded,
    "huge once unpacked": LimitExceeded,
    "wrongly packed": UpstreamError,
    "slow": StoreTimeout,
    "hanging": StoreTimeout,
    "not JSON": CorruptRecord,
    "not UTF-8": CorruptRecord,
    "nested deeply": CorruptRecord,
    "another type": UpstreamError,
    "no type": UpstreamError,
    "not HTTP": StoreUnavailable,
}
_SENDINGS = {"redirect in circles": 6, "too many": 3}  # of an add, as these say that nothing was done
_REFUSED = {"redirect away", "redirect in circles", "too many"}  # what a write knows to have had no effect


def _always(name: str) -> dict[str, Any]:
    return {"otherwise": lambda request: FAULTS[name]}


def test_every_fault_is_met() -> None:
    assert _READ.keys() == FAULTS.keys()


@pytest.mark.parametrize("name", list(FAULTS))
async def test_a_read_fails_as_it_should_and_in_time(name: str) -> None:
    async with served(**_always(name)) as (store, server):
        began = time.monotonic()
        with pytest.raises(_READ[name]) as caught:
            await store.fetch(_ONE)
        assert type(caught.value) is _READ[name]
        assert not getattr(caught.value, "is_outcome_unknown", False)
        assert time.monotonic() - began < _MOST_SECONDS
        server.script(Reply.json(customer()))
        assert await store.fetch(_ONE) == [(1, "one", None)]


@pytest.mark.parametrize("name", list(FAULTS))
async def test_an_add_is_sent_once_and_its_outcome_is_known_or_said_to_be_unknown(name: str) -> None:
    async with served(**_always(name)) as (store, server):
        began = time.monotonic()
        with pytest.raises(StoreError) as caught:
            await store.apply([add()])
        is_unknown = getattr(caught.value, "is_outcome_unknown", False)
        assert is_unknown is (name not in _REFUSED)
        assert time.monotonic() - began < _MOST_SECONDS
        assert len(server.requests) == _SENDINGS.get(name, 1)


_PUT = RestCollection(path="/customers/{id}", add=Call(method="PUT"), update=Call(is_repeatable=True))


@pytest.mark.parametrize("name", list(FAULTS))
async def test_an_update_that_may_be_repeated_gets_through_where_the_fault_passes(name: str) -> None:
    passing = {
        "error", "bad gateway", "unavailable", "too many", "gateway timeout", "length too long", "length too short",
        "no answer", "cut in the head", "cut in the body", "not HTTP", "hanging", "redirect in circles",
    }  # fmt: skip

    async with served(FAULTS[name], otherwise=lambda request: Reply.json(customer()), declared=_PUT) as (store, server):
        if name in passing:
            assert await store.apply([update()]) == [APPLIED]
            assert len(server.requests) == 2
        else:
            with pytest.raises(StoreError) as caught:
                await store.apply([update()])
            assert getattr(caught.value, "is_outcome_unknown", False) is (name not in _REFUSED)


async def test_a_removal_whose_answer_was_lost_is_done_when_nothing_is_there_any_more() -> None:
    async with served(FAULTS["no answer"], Reply(status=404)) as (store, server):
        assert await store.apply([remove()]) == [APPLIED]
        assert [request.method for request in server.requests] == ["DELETE", "DELETE"]


async def test_a_put_that_added_and_was_repeated_is_seen_to_be_ours() -> None:
    async with served(FAULTS["no answer"], Reply(status=412), Reply.json(customer()), declared=_PUT) as (store, server):
        assert await store.apply([add()]) == [APPLIED]
        assert [request.method for request in server.requests] == ["PUT", "PUT", "GET"]


async def test_a_put_that_added_and_was_repeated_is_not_taken_for_ours_when_it_differs() -> None:
    async with served(FAULTS["no answer"], Reply(status=412), Reply.json(customer(name="other")), declared=_PUT) as (
        store,
        _,
    ):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([add()])
        assert caught.value.is_outcome_unknown


async def test_messages_never_repeat_what_was_received() -> None:
    async with served(Reply.json(customer(born="secret")), declared=DECLARED) as (store, _):
        with pytest.raises(CorruptRecord, match="born") as caught:
            await store.fetch(_ONE)
        assert "secret" not in str(caught.value)
