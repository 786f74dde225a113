"""Logins over HTTP: the cookie, the token against forged requests, tokens for programs, and the command."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Authenticated, Holdall, Model, Policy, field
from holdall.testing.client import Client
from holdall.users import Authenticator, Users
from holdall.web.login import include_login
from tests.support.terminal import invoke

pytestmark = [pytest.mark.early, pytest.mark.anyio]

PASSWORD = "correct horse battery"


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = ""


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = Holdall("people")
    app.add_store("main", "memory:")
    app.add(Note, store="main", policy=Policy(read=Authenticated, write=Authenticated))
    users = Users(app, store="main")
    await users.add("ann", PASSWORD)
    app.identify(Authenticator(users))
    api = app.asgi()
    include_login(api, users)
    found = Client(api)
    found.users = users  # type: ignore[attr-defined]
    yield found
    await app.close()


async def logged_in(client: Client) -> tuple[str, str]:
    answer = await client.post("/auth/login", {"login": "ann", "password": PASSWORD})
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    return cookie.partition(";")[0], json.loads(answer.body)["csrf"]


async def test_a_session_reads_and_writes_with_its_token(client: Client) -> None:
    cookie, csrf = await logged_in(client)
    assert (await client.get("/notes")).status == 401
    assert (await client.get("/notes", cookie=cookie)).status == 200
    body: Any = {"id": 1}
    assert (await client.post("/notes", body, cookie=cookie)).status == 401
    assert (await client.post("/notes", body, cookie=cookie, x_csrf_token="forged")).status == 401
    crossing = {"cookie": cookie, "x_csrf_token": csrf, "sec_fetch_site": "cross-site"}
    assert (await client.post("/notes", body, **crossing)).status == 401
    assert (await client.post("/notes", body, cookie=cookie, x_csrf_token=csrf)).status == 201
    twice = f"{cookie}; {cookie}"
    assert (await client.get("/notes", cookie=twice)).status == 401
    done = await client.post("/auth/logout", None, cookie=cookie)
    assert done.status == 401
    done = await client.post("/auth/logout", None, cookie=cookie, x_csrf_token=csrf)
    assert (done.status, "Max-Age=0" in done.headers["set-cookie"]) == (204, True)
    assert (await client.get("/notes", cookie=cookie)).status == 401


async def test_logins_that_fail_are_all_answered_alike(client: Client) -> None:
    answers = [
        await client.post("/auth/login", body)
        for body in (
            {"login": "ann", "password": "wrong"},
            {"login": "eve", "password": PASSWORD},
            {"login": "ann"},
            {"login": "ann", "password": PASSWORD, "more": 1},
            ["x"],
            {"login": "a" * 9_000, "password": "x"},
        )
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        answer = await client.request("POST", "/auth/login", body=b"{}", headers=headers)
        assert answer.status == 415
    given = {"login": "ann", "password": PASSWORD}
    assert (await client.post("/auth/login", given, sec_fetch_site="cross-site")).status == 403


async def test_tokens_for_programs_and_resets(client: Client) -> None:
    users: Users = client.users  # type: ignore[attr-defined]
    token = await users.issue_token("ann")
    assert (await client.get("/notes", authorization=f"Bearer {token}")).status == 200
    for given in (f"Bearer {token}x", f"Basic {token}", "Bearer", token):
        assert (await client.get("/notes", authorization=given)).status == 401
    cookie, _ = await logged_in(client)
    assert (await client.get("/notes", authorization="Bearer wrong", cookie=cookie)).status == 401
    reset = await users.issue_reset("ann")
    for given_token, password, status in ((reset, "short", 422), ("x", PASSWORD, 422), (reset, PASSWORD, 204)):
        answer = await client.post("/auth/reset", {"token": given_token, "password": password})
        assert answer.status == status
    assert (await client.get("/notes", cookie=cookie)).status == 401


async def test_collections_of_users_are_not_reached(client: Client) -> None:
    cookie, _ = await logged_in(client)
    for name in ("accounts", "login_sessions", "account_tokens", "password_resets", "login_attempts"):
        assert (await client.get(f"/{name}", cookie=cookie)).status == 404


_PROGRAM = """
from holdall import Holdall
from holdall.users import Users

app = Holdall("people")
app.add_store("main", "sqlite:///people.db")
users = Users(app, store="main")
"""


def test_the_command_adds_accounts_and_gives_tokens(tmp_path: Path) -> None:
    (tmp_path / "people.py").write_text(_PROGRAM)

    def run(*words: str, given: str = "") -> str:
        said = invoke(tmp_path, *words, given=given)
        return f"{said.code} {said.output}{said.errors}".strip()

    assert run("create", "people:app").startswith("0")
    assert run("user", "add", "people:users", "ann", "--role", "editor", given=PASSWORD + "\n").startswith(
        "0 ann has the id"
    )
    assert run("user", "role", "people:users", "ann", "viewer") == "0"
    assert run("user", "passwd", "people:users", "ann", given="short\n").startswith("1 holdall: Account is not valid")
    assert run("user", "token", "people:users", "ann", "--scope", "viewer").startswith("0 hd_")
    assert run("user", "token", "people:users", "eve").startswith("1 holdall: no such account of this login")
    assert run("user", "token", "people:app", "eve").startswith("2 holdall: people:app is no Users")
