"""Somebody else's API behind a network that fails: each call by itself, sent once or as often as it takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from holdall.query import Op
from holdall.stores.rest import BodyVersion, Call, Filters, RestCollection, Retries
from holdall.testing.fault import Fault
from tests.faults.matrix import connections_given_back, trials, tried
from tests.faults.subject import Subject
from tests.servers.api import Api

pytestmark = pytest.mark.anyio

_LIMITS = {
    "connect_timeout": 0.4,
    "read_timeout": 0.4,
    "timeout": 0.8,
    "retries": Retries(most=1, first_wait=0.01),
}


def notes(kind: str) -> RestCollection:
    keyed = Call(idempotency_key="Idempotency-Key")
    return RestCollection(
        path=f"/{kind}/faults/note/{{id}}",
        filters=Filters(operators={Op.IN: "id", Op.EQ: "id"}),
        version=BodyVersion(is_sent=True),
        add=keyed if kind == "idemp" else Call(),
        update=keyed if kind == "idemp" else Call(),
        remove=keyed if kind == "idemp" else Call(),
    )


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Api() as made:
        yield made


@pytest.fixture(scope="module", params=["once", "idemp"])
def subject(api: Api, request: pytest.FixtureRequest) -> Subject:
    async def count() -> int:
        return api.connections

    options = {"connections": 3, "commit": request.param, "collections": {"note": notes(request.param)}}
    made = Subject(api.url, 0.8, options, _LIMITS, count)

    async def prepare() -> None:
        direct = made.open()
        await direct.prepare()
        await direct.app.close()

    asyncio.run(prepare())
    return made


@pytest.mark.parametrize("operation, fault", trials("transaction", turn=1))
async def test_every_answer_is_true_and_comes_in_time(subject: Subject, api: Api, operation: str, fault: Fault) -> None:
    assert await tried(subject, operation, fault) == []
    assert await connections_given_back(subject) == 0
    sent = Counter((call.method, call.key) for call in api.calls["once/faults/note"] if call.is_applied)
    assert [what for what, count in sent.items() if count > 1] == []
