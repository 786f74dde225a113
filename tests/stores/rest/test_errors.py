"""Nothing that the driver raises, and no status, is left without an error of ours."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import pytest

from holdall.errors import (
    AlreadyExists,
    Conflict,
    HoldallError,
    ReferenceViolation,
    StaleVersion,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    UpstreamError,
)
from holdall.store import Change
from holdall.stores.rest import BodyVersion, RestCollection
from holdall.stores.rest.errors import CLIENT_ERRORS, STATUSES, Refusals, from_client, from_status
from holdall.testing.fault_server import FaultServer, Reply
from tests.support.rest_customers import CUSTOMER, DECLARED, VERSIONED, add, opened, remove, served, update

pytestmark = pytest.mark.anyio

_CATCH_ALL = {aiohttp.ClientError, aiohttp.ClientConnectionError, TimeoutError, OSError}
_OUT_OF_REACH = {aiohttp.client_exceptions.UploadAbortedError}  # of streamed uploads


def _driver_errors() -> Iterator[type[BaseException]]:
    for value in vars(aiohttp.client_exceptions).values():
        if inspect.isclass(value) and issubclass(value, aiohttp.ClientError) and value not in _OUT_OF_REACH:
            yield value


@pytest.mark.parametrize("error", sorted(_driver_errors(), key=str))
def test_every_error_of_the_driver_has_an_entry_of_its_own_or_of_a_narrow_parent(error: type[BaseException]) -> None:
    entry = next(kind for kind, *_ in CLIENT_ERRORS if issubclass(error, kind))
    narrow = _CATCH_ALL - {error}
    assert entry not in narrow or error in (
        aiohttp.ClientConnectionError,
        aiohttp.ClientOSError,
        aiohttp.ClientConnectionResetError,
        aiohttp.ServerConnectionError,
    )


@pytest.mark.parametrize("entry", CLIENT_ERRORS, ids=lambda entry: entry[0].__name__)
def test_an_entry_becomes_our_error(entry: tuple[type[BaseException], type[StoreError], str, bool]) -> None:
    kind, ours, sentence, may_have_arrived = entry
    raised = kind.__new__(kind)
    found, arrived = from_client("crm", "POST customer", raised, is_write=True)
    assert sentence in str(found)
    assert arrived is may_have_arrived
    assert getattr(found, "is_outcome_unknown", False) is may_have_arrived
    assert isinstance(found, ours) or may_have_arrived
    read, _ = from_client("crm", "GET customer", raised, is_write=False)
    assert type(read) is ours
    assert not getattr(read, "is_outcome_unknown", False)


@pytest.mark.parametrize("status", [*STATUSES, 301, 418, 599])
def test_every_status_is_an_error_that_tells_its_number(status: int) -> None:
    read, write = (from_status("crm", "x", status, is_write=is_write) for is_write in (False, True))
    assert str(status) in str(read)
    assert type(read) is type(write)
    may_have_acted = status >= 500 and status not in (501, 505, 507)
    assert getattr(write, "is_outcome_unknown", False) is may_have_acted
    if status in (408, 504):
        assert isinstance(read, StoreTimeout)
    elif status >= 500 or status in (425, 429):
        assert isinstance(read, StoreUnavailable)
    else:
        assert type(read) is UpstreamError


async def _refused(change: Change, reply: Reply, **options: Any) -> HoldallError:
    async with served(reply, **options) as (store, server):
        with pytest.raises(HoldallError) as caught:
            await store.apply([change])
        assert len(server.requests) == 1
        return caught.value


def _problem(reason: str, status: int = 409, **more: object) -> Reply:
    return Reply.json({"type": f"https://example.com/problems/{reason}", **more}, status)


@pytest.mark.parametrize(
    "change, reply, expected",
    [
        (add(), Reply(status=409), AlreadyExists),
        (add(), _problem("unique", errors=[{"path": "name"}]), UniqueViolation),
        (add(), _problem("reference", 422), ReferenceViolation),
        (add(), _problem("busy"), Conflict),
        (add(), Reply(status=422), UpstreamError),
        (add(), Reply(status=400), UpstreamError),
        (add(), Reply(status=404), UpstreamError),
        (update(), Reply(status=404), StaleVersion),
        (update(), Reply(status=410), StaleVersion),
        (update(), Reply(status=412), StaleVersion),
        (update(), Reply(status=409), Conflict),
        (update(), _problem("unique"), UniqueViolation),
        (update(), _problem("stale"), StaleVersion),
        (remove(), Reply(status=404), StaleVersion),
        (remove(), Reply(status=409), Conflict),
        (remove(), _problem("reference"), ReferenceViolation),
        (remove(), Reply(status=423), UpstreamError),
        (remove(), Reply(status=301, headers={"Location": "/elsewhere"}), UpstreamError),
    ],
)
async def test_a_refusal_is_the_conflict_it_says(change: Change, reply: Reply, expected: type[HoldallError]) -> None:
    found = await _refused(change, reply)
    assert type(found) is expected
    assert not isinstance(found, Conflict) or found.position == 0


async def test_fields_of_a_refusal_are_told_where_they_are_fields() -> None:
    found = await _refused(add(), _problem("unique", errors=[{"path": "name"}, {"path": "elsewhere"}, {"path": 3}]))
    assert isinstance(found, UniqueViolation)
    assert found.fields == ("name",)


async def test_an_api_may_have_words_of_its_own() -> None:
    refusals = Refusals(reason_at="error.code", reasons={"E17": "unique"}, fields_at="error.fields.name")
    body = {"error": {"code": "E17", "fields": [{"name": "name"}]}}
    found = await _refused(add(), Reply.json(body, 409), declared=_with(refusals=refusals))
    assert isinstance(found, UniqueViolation)
    assert found.fields == ("name",)


async def test_a_conflict_over_an_expected_version_is_a_stale_one() -> None:
    declared = _with(version=BodyVersion())
    assert isinstance(
        await _refused(update(version=1), Reply(status=409), schema=VERSIONED, declared=declared), StaleVersion
    )


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


async def test_the_driver_is_the_cause() -> None:
    async with served(Reply(cut_after=0)) as (store, _):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([add()])
        assert isinstance(caught.value.__cause__, aiohttp.ServerDisconnectedError)


async def test_a_server_that_is_not_there_got_nothing() -> None:
    async with FaultServer() as server:
        url = server.url
    store = opened(url, CUSTOMER)
    with pytest.raises(StoreUnavailable) as caught:
        await store.apply([add()])
    assert not caught.value.is_outcome_unknown
    await store.close()
