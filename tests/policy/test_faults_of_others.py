"""The faults in rights that are known of other systems, each tried here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from holdall import ANONYMOUS, Authenticated, FieldRights, Holdall, Model, Nobody, Owner, Policy, Role, User, field, me
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Item(Model, collection="items"):
    id: int = field(pk=True)
    owner: str = ""
    text: str = field(default="")
    salary: int = 0
    made: int = 7


def not_x(user: User, item: Any) -> bool:
    """A predicate that is true of an empty item, too."""
    return bool(item.owner != "x")


calls = {"failing": 0}


def failing(user: User, item: Any) -> bool:
    calls["failing"] += 1
    raise RuntimeError("the callback failed")


async def who(scope: MutableMapping[str, Any]) -> User:
    name = dict(scope["headers"]).get(b"x-user")
    return ANONYMOUS if name is None else User(name.decode())


async def client(policy: Policy) -> AsyncIterator[Client]:
    app = Holdall("faults")
    app.add_store("main", "memory:")
    app.add(Item, store="main", policy=policy)
    async with app.session() as session:
        session.add_all([Item(id=1, owner="ann", salary=10), Item(id=2, owner="x", salary=20)])
    yield Client(app.asgi(authenticate=who), headers={"x-user": "ann"})
    async with app.session() as session:
        assert (await session.require(Item, 1)).salary == 10, "what is hidden was erased"
    await app.close()


async def asked(policy: Policy, *requests: tuple[str, str, Any]) -> list[Any]:
    found = list[Any]()
    async for each in client(policy):
        for method, path, body in requests:
            answer = await each.request(method, path, json=body) if body else await each.request(method, path)
            found.append((answer.status, json.loads(answer.body) if answer.body else None))
    return found


async def test_a_rule_is_asked_of_the_record_and_not_of_an_empty_one() -> None:
    found = await asked(
        Policy(read=not_x), ("GET", "/items/2", None), ("GET", "/items/1", None), ("GET", "/items", None)
    )
    assert [status for status, _ in found] == [404, 200, 200]
    assert [item["id"] for item in found[2][1]["data"]] == [1]


async def test_own_records_are_read_by_key_as_in_lists() -> None:
    found = await asked(Policy(read=Owner("owner")), ("GET", "/items/1", None), ("GET", "/items", None))
    assert [status for status, _ in found] == [200, 200]


async def test_a_rule_that_fails_switches_nothing_off() -> None:
    calls["failing"] = 0
    found = await asked(Policy(read=failing), *[("GET", "/items", None)] * 3, ("GET", "/items/1", None))
    assert [status for status, _ in found] == [200, 200, 200, 404]
    assert [body["total_count"] for _, body in found[:3]] == [0, 0, 0]
    assert calls["failing"] >= 6  # asked of every record, each time


async def test_fields_that_cannot_be_written_cannot_be_given_to_new_records() -> None:
    rights = {"made": FieldRights(write=Nobody), "owner": FieldRights(write=Nobody, preset=me.id)}
    policy = Policy(read=Authenticated, fields=rights)
    found = await asked(policy, ("POST", "/items", {"id": 5, "made": 1}), ("POST", "/items", {"id": 5}))
    assert [status for status, _ in found] == [422, 201]
    assert (found[1][1]["made"], found[1][1]["owner"]) == (7, "ann")


@pytest.mark.parametrize("value", ["__gt=5", "__gt=15", "=10", "__in=10,20", "__isnull=false"])
async def test_no_filter_tells_a_hidden_value(value: str) -> None:
    policy = Policy(read=Authenticated, fields={"salary": FieldRights(read=Role("boss"))})
    (found,) = await asked(policy, ("GET", f"/items?salary{value}", None))
    assert (found[0], found[1]["errors"][0]["code"]) == (422, "unknown")


async def test_who_cannot_see_a_field_does_not_erase_it() -> None:
    policy = Policy(read=Authenticated, fields={"salary": FieldRights(read=Role("boss"))})
    writes = [("PATCH", "/items/1", {"text": "x"}), ("PUT", "/items/1", {"owner": "ann", "text": "y"})]
    found = await asked(policy, *writes, ("POST", "/items", [{"id": 9}]))
    assert [status for status, _ in found][:2] == [200, 200]
    assert all("salary" not in body for _, body in found[:2])


async def test_the_number_of_hidden_records_is_not_told() -> None:
    found = await asked(
        Policy(read=Owner("owner")),
        ("GET", "/items?page_size=1", None),
        ("GET", "/items?aggregate=rows,salary.sum", None),
    )
    assert found[0][1]["total_count"] == 1
    assert found[1][1]["data"] == [{"rows": 1, "salary.sum": 10}]
