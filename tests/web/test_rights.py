"""Who is told what: nothing of what may not be read, and how to become known where that would help."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from holdall import Authenticated, Everyone, Holdall, Model, Nobody, Policy, Ref, Role, User, field
from holdall.policy import Grant
from holdall.testing.client import Answer
from tests.support.served import Served


class Secret(Model, collection="secrets"):
    id: int = field(pk=True)
    name: str


class Public(Model, collection="public"):
    id: int = field(pk=True)
    secret: Ref[Secret | None] = field(default=None)


class Hidden(Model, collection="hidden"):
    id: int = field(pk=True)


USERS = {"ann": User("ann", roles=frozenset({"librarian"})), "bob": User("bob")}


async def authenticate(scope: MutableMapping[str, Any]) -> User | None:
    name = dict(scope["headers"]).get(b"x-user", b"").decode()
    return USERS.get(name)


class Broken:
    def allows(self, user: User) -> bool:
        raise RuntimeError("no policy server")


def service(policies: dict[type[Model], Policy]) -> Holdall:
    app = Holdall("rights")
    app.add_store("main", "memory:")
    for model, policy in policies.items():
        app.add(model, store="main", policy=policy)
    return app


@pytest.fixture
def served() -> Iterator[Served]:
    app = service({
        Secret: Policy(read=Role("librarian"), write=Role("librarian")),
        Public: Policy(read=Everyone, write=Role("librarian")),
        Hidden: Policy(read=Nobody, write=Nobody),
    })  # fmt: skip
    with Served(app, authenticate=authenticate, challenge='Bearer realm="library"') as found:
        for place, record in (("/secrets", {"id": 1, "name": "x"}), ("/public", {"id": 1, "secret": 1})):
            assert found.request("POST", place, json=record, headers={"x-user": "ann"}).status == 201
        yield found


def ask(served: Served, method: str, url: str, user: str = "", json: Any = None) -> Answer:
    return served.request(method, url, json=json, headers={"x-user": user})


ALL: list[tuple[str, str, Any]] = [
    ("GET", "/{}", None),
    ("GET", "/{}/1", None),
    ("POST", "/{}", {}),
    ("PATCH", "/{}/1", {}),
    ("DELETE", "/{}/1", None),
]


@pytest.mark.parametrize("method, url, body", ALL)
def test_what_may_not_be_read_is_not_there(served: Served, method: str, url: str, body: Any) -> None:
    unknown = ask(served, method, url.format("secrets"), json=body)
    assert (unknown.status, unknown.headers["www-authenticate"]) == (401, 'Bearer realm="library"')
    forbidden = ask(served, method, url.format("secrets"), "bob", body)
    assert forbidden.status == 404
    absent = ask(served, "GET", "/secrets/99", "ann")
    assert (forbidden.status, forbidden.body) == (absent.status, absent.body)
    hidden = ask(served, method, url.format("hidden"), "ann", body)
    assert (hidden.status, hidden.body) == (absent.status, absent.body)
    assert ask(served, method, url.format("hidden"), "", body).status == 404


@pytest.mark.parametrize("method, url, body", ALL[2:])
def test_writes_of_those_who_may_only_read(served: Served, method: str, url: str, body: Any) -> None:
    assert ask(served, method, url.format("public"), "bob", body).status == 403
    assert ask(served, method, url.format("public"), "", body).status == 401
    assert ask(served, "GET", "/public/1").status == 200


def test_rights_come_before_bodies(served: Served) -> None:
    answer = served.request("POST", "/public", body=b"{", headers={"x-user": "bob"})
    assert answer.status == 403


def test_filters_do_not_look_into_what_may_not_be_read(served: Served) -> None:
    unknown = ask(served, "GET", "/public?nope.name=x", "bob").json()["errors"][0]
    for query in ("secret.name=x", "secret.name__startswith=x", "sort=secret.name", "sort=-secret.name"):
        assert ask(served, "GET", f"/public?{query}", "ann").status == 200
        for user in ("bob", ""):
            refused = ask(served, "GET", f"/public?{query}", user)
            assert refused.status == 422
            assert {k: v for k, v in refused.json()["errors"][0].items() if k != "path"} == {
                k: v for k, v in unknown.items() if k != "path"
            }
    assert ask(served, "GET", "/public?secret=1", "bob").status == 200


@pytest.mark.parametrize(
    "grant, anonymous, known",
    [(Everyone, 200, 200), (Authenticated, 401, 200), (Nobody, 404, 404), (Broken(), 404, 404), (Role("x"), 401, 404)],
)
def test_reading_by_each_kind_of_grant(grant: Grant, anonymous: int, known: int) -> None:
    with Served(service({Hidden: Policy(read=grant)}), authenticate=authenticate) as served:
        assert ask(served, "GET", "/hidden").status == anonymous
        assert ask(served, "GET", "/hidden", "bob").status == known


def test_without_a_policy_only_known_users_get_in() -> None:
    app = Holdall("default")
    app.add_store("main", "memory:")
    app.add(Hidden, store="main")
    with Served(app) as served:
        assert served.get("/hidden").status == 401
        assert served.post("/hidden", {"id": 1}).status == 401


def test_an_authenticator_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: MutableMapping[str, Any]) -> User | None:
        raise RuntimeError("the password is swordfish")

    with Served(service({Hidden: Policy(read=Everyone)}), authenticate=broken) as served:
        answer = served.get("/hidden")
    assert answer.status == 500
    assert b"swordfish" not in answer.body
    instance = answer.json()["instance"]
    assert instance in caplog.text
    assert "swordfish" in caplog.text
