"""Paths that lead back, lists in several parameters, and what a user without a right is told."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException

from holdall import Authenticated, Everyone, Holdall, Many, Model, OnDelete, Policy, Ref, Role, User, back, field
from tests.support.served import Served

_OPEN = Policy(read=Everyone, write=Everyone)


class Person(Model, collection="persons"):
    id: int = field(pk=True)
    email: str | None = field(default=None)
    boss: Ref[Person | None] = field(default=None)
    staff: Many[Person] = back("boss", on_delete=OnDelete.CASCADE)


def _served(policy: Policy = _OPEN, **options: Any) -> Served:
    app = Holdall("paths")
    app.add_store("main", "memory:")
    app.add(Person, store="main", policy=policy)
    return Served(app, **options)


def _ids(served: Served, query: str) -> list[int]:
    answer = served.get(f"/persons?{query}")
    assert answer.status == 200, answer.body
    return [record["id"] for record in answer.json()["data"]]


def test_paths_that_lead_back_cost_no_power_of_the_number_of_records() -> None:
    with _served() as served:
        served.post("/persons", {"id": 1})
        for number in range(2, 60):
            served.post("/persons", {"id": number, "boss": 1, "email": "y" if number == 2 else None})
        # five times through all: 58**5 comparisons without memory, which no test would live to see
        assert _ids(served, "boss.staff." * 5 + "email=zzz") == []
        assert len(_ids(served, "boss.staff." * 5 + "email=y&page_size=100")) == 58


def test_a_field_behind_a_many_is_null_where_one_record_has_none() -> None:
    with _served() as served:
        records: list[dict[str, Any]] = [{"id": 1}, {"id": 2, "boss": 1}, {"id": 3, "boss": 1, "email": "x"}, {"id": 4}]
        for record in records:
            served.post("/persons", record)
        assert _ids(served, "staff.email__isnull=true") == [1]
        assert _ids(served, "staff.boss.email__isnull=true") == [1]
        assert _ids(served, "staff.id__isnull=true") == []
        assert _ids(served, "staff__isnull=true") == [2, 3, 4]


def test_a_list_in_several_parameters_is_one_list() -> None:
    with _served() as served:
        for number in (1, 2, 3):
            served.post("/persons", {"id": number})
        assert _ids(served, "id__in=1&id__in=3") == [1, 3]
        assert _ids(served, "id__in=1&id__in=3&id__in=2&id__gt=1&sort=email&sort=-id") == [3, 2]
        shown = served.get("/persons?fields=id&fields=email").json()["data"]
        assert shown[0] == {"id": 1, "email": None}
        assert served.get("/persons?page=1&page=2").status == 422


def test_a_slash_inside_a_name_is_not_found() -> None:
    with _served() as served:
        served.post("/persons", {"id": 1})
        for path in ("/persons%2F1", "/persons%2f1/1"):
            answer = served.get(path)
            assert answer.status == 404
            assert answer.headers["content-type"] == "application/problem+json"


async def _bob(scope: object) -> User:
    return User("bob")


def test_a_known_user_without_the_right_is_not_asked_who_he_is() -> None:
    with _served(Policy(read=Role("boss"), create=Everyone, update=Authenticated), authenticate=_bob) as served:
        assert served.post("/persons", {"id": 1}).status == 201
        answer = served.patch("/persons/1", {"email": "x"})
        assert answer.status == 404
        assert "www-authenticate" not in answer.headers


async def _expired(scope: object) -> User:
    raise HTTPException(401, "token expired", {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def test_the_hook_that_tells_who_asks_answers_for_itself() -> None:
    with _served(authenticate=_expired) as served:
        answer = served.get("/persons")
        assert (answer.status, answer.json()["detail"]) == (401, "token expired")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
