"""A service of ours over somebody else's API: what went wrong between the two is not the caller's fault."""

from __future__ import annotations

import logging

import pytest

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.stores.rest import PageSize, RestCollection, Retries, Sorting
from holdall.testing.client import Client
from holdall.testing.fault_server import FAULTS, FaultServer, Reply

pytestmark = pytest.mark.anyio


class Pet(Model, collection="pets"):
    id: int = field(pk=True)
    name: str = ""


_PETS = RestCollection(path="/pets/{id}", list_at="data", total_at="total", sort=Sorting(), paging=PageSize())


async def _answers(reply: Reply) -> dict[str, int]:
    """The status of each request that such an answer of the API leads to."""
    async with FaultServer(lambda request: reply) as server:
        app = Holdall("near")
        quick = {"connect_timeout": 0.4, "read_timeout": 0.2, "timeout": 0.5, "retries": Retries(most=0)}
        app.add_store("far", server.url, collections={"pets": _PETS}, **quick)
        app.add(Pet, store="far", policy=Policy(read=Everyone, write=Everyone))
        async with Client(app.asgi()) as client:
            found = {
                "list": await client.get("/pets"),
                "get": await client.get("/pets/1"),
                "create": await client.post("/pets", {"id": 1, "name": "a"}),
                "remove": await client.delete("/pets/1"),
            }
        await app.close()
        return {name: answer.status for name, answer in found.items()}


@pytest.mark.parametrize("status", [401, 403, 402, 407, 418, 421, 426, 451, 301, 300])
async def test_a_refusal_of_ours_is_not_one_of_the_callers(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "holdall.web"):
        found = await _answers(Reply(status=status, body=b"", media_type=""))
    assert found == dict.fromkeys(found, 502)
    assert len([record for record in caplog.records if str(status) in record.getMessage()]) == len(found)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_api_that_cannot_answer_now_is_a_service_that_cannot(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "holdall.web"):
        found = await _answers(Reply(status=status, body=b"", media_type=""))
    assert found == dict.fromkeys(found, 503)
    assert any(str(status) in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("name", ["hanging", "no answer", "another type", "redirect away"])
async def test_an_answer_that_does_not_come_or_cannot_be_used(name: str) -> None:
    found = await _answers(FAULTS[name])
    assert set(found.values()) <= {502, 503, 504}


async def test_a_list_that_contradicts_itself_is_no_list() -> None:
    found = await _answers(Reply.json({"data": [], "total": 3}))
    assert found["list"] == 502
