"""Accounts: logins and lock-outs, sessions, tokens and resets, in several stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from holdall import Holdall, User
from holdall.errors import CommitAborted, DeclarationError, Forbidden, NotFound, ValidationError
from holdall.session import Session
from holdall.users import Account, LoginAttempts, LoginSession, PasswordReset, Users
from tests.support.local_stores import local_url

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "yaml"])
async def users(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Users]:
    app = Holdall("people")
    app.add_store("main", local_url(request.param, tmp_path))
    found = Users(app, store="main", clock=clock)
    await app.create()
    await found.add("Ann ", PASSWORD, roles=["editor", "viewer"])
    yield found
    await app.close()


async def test_a_login_is_known_again_until_it_ends(users: Users, clock: Clock) -> None:
    assert await users.login("ann", "wrong password") is None
    assert await users.login("eve", PASSWORD) is None
    found = await users.login("ANN", PASSWORD)
    assert found is not None
    user = await users.user_of_session(found.token)
    assert user == found.user
    assert user.roles == {"editor", "viewer"}
    assert await users.user_of_session(found.token, is_writing=True) is None
    assert await users.user_of_session(found.token, csrf=found.csrf, is_writing=True) == user
    clock.pass_by(13 * 3600)
    assert await users.user_of_session(found.token) is None


async def test_what_is_kept_tells_no_secret(users: Users) -> None:
    found = await users.login("ann", PASSWORD)
    token = await users.issue_token("ann")
    assert found is not None
    async with users.app.session() as session:
        account = await session.one(Account.where())
        kept = [account.to_json(), (await session.one(LoginSession.where())).to_json()]
    assert account.password.startswith("$argon2id$")
    assert PASSWORD not in str(kept)
    assert found.token not in str(kept)
    assert token not in str(kept)
    assert account.password not in repr(account)


async def test_collections_of_users_are_closed_to_users(users: Users) -> None:
    async with users.app.session(User("ann", roles=frozenset({"admin"}))) as session:
        for model in (Account, LoginSession, LoginAttempts):
            with pytest.raises(Forbidden):
                await session.query(model.where())


@pytest.mark.parametrize("login", ["ann", "nobody"])
async def test_failures_lock_a_name_for_longer_and_longer(users: Users, clock: Clock, login: str) -> None:
    for _ in range(5):
        assert await users.login(login, "wrong password") is None
    assert await users.login(login, PASSWORD) is None  # it has to wait
    clock.pass_by(1.5)
    assert await users.login(login, "wrong password") is None
    clock.pass_by(1.5)
    assert await users.login(login, PASSWORD) is None  # longer than before
    clock.pass_by(2)
    assert (await users.login(login, PASSWORD) is not None) == (login == "ann")
    async with users.app.session() as session:
        assert await session.count(LoginAttempts.where()) == (0 if login == "ann" else 1)


async def test_passwords_change_and_all_sessions_end(users: Users) -> None:
    found = await users.login("ann", PASSWORD)
    assert found is not None
    await users.change_password("ann", "another password")
    assert await users.user_of_session(found.token) is None
    assert await users.login("ann", PASSWORD) is None
    assert await users.login("ann", "another password") is not None
    for wrong in ("short", "x" * 2_000):
        with pytest.raises(ValidationError, match="characters"):
            await users.change_password("ann", wrong)


async def test_of_several_who_reset_by_one_token_one_does(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    token, barrier, looked = await users.issue_reset("ann"), asyncio.Barrier(4), list[str]()
    get = Session.get

    async def together(session: Session, model: Any, *key: Any, **options: Any) -> Any:
        found = await get(session, model, *key, **options)
        if model is PasswordReset and len(looked) < 4:
            looked.append("looked")
            await barrier.wait()
        return found

    monkeypatch.setattr(Session, "get", together)
    done = await asyncio.gather(*[users.reset(token, f"another password {number}") for number in range(4)])
    assert sorted(done) == [False, False, False, True]
    assert await users.login("ann", f"another password {done.index(True)}") is not None


async def test_several_may_end_one_session(users: Users) -> None:
    found = await users.login("ann", PASSWORD)
    assert found is not None
    assert await asyncio.gather(*[users.logout(found.token) for _ in range(4)]) == [None] * 4
    assert await users.user_of_session(found.token) is None


async def test_a_reset_holds_once_and_not_for_long(users: Users, clock: Clock) -> None:
    first, second = await users.issue_reset("ann"), await users.issue_reset("ann")
    assert not await users.reset("made up", "another password")
    assert await users.reset(first, "another password")
    assert not await users.reset(first, "a third password")
    assert not await users.reset(second, "a third password")  # a new password ends the others
    late = await users.issue_reset("ann")
    clock.pass_by(3600)
    assert not await users.reset(late, "a third password")
    assert await users.login("ann", "another password") is not None


async def test_tokens_have_scopes_and_an_end(users: Users, clock: Clock) -> None:
    whole, part = (
        await users.issue_token("ann"),
        await users.issue_token("ann", "x", scopes=["viewer", "admin"], days=1),
    )
    for token, roles in ((whole, {"editor", "viewer"}), (part, {"viewer"})):
        user = await users.user_of_token(token)
        assert user is not None
        assert user.roles == roles
    await users.set_roles("ann", ["editor"])
    found = [await users.user_of_token(token) for token in (whole, part)]
    assert [user.roles for user in found if user is not None] == [{"editor"}, set()]
    clock.pass_by(86_401)
    assert await users.user_of_token(part) is None
    assert await users.user_of_token(whole) is not None
    assert await users.user_of_token(whole + "x") is None


async def test_an_application_finds_its_users_by_login_in_one_way(users: Users) -> None:
    found = await users.user_named(" ANN")
    assert found is not None
    assert (found.login, set(found.roles)) == ("ann", {"editor", "viewer"})
    assert users.app.finds_user == users.user_named
    with pytest.raises(DeclarationError, match="already"):
        users.app.find_user(users.user_named)
    with pytest.raises(DeclarationError, match="async function"):
        Holdall("other").find_user(7)  # type: ignore[type-var]
    other = Holdall("other")
    other.add_store("main", "memory:")

    @other.find_user
    async def known(login: str) -> User | None:
        return None

    Users(other, store="main")
    assert other.finds_user is known


async def test_mistakes_are_told(users: Users) -> None:
    with pytest.raises(CommitAborted):
        await users.add("ann", PASSWORD)
    for act in (users.find, users.issue_reset, users.issue_token):
        with pytest.raises(NotFound):
            await act("nobody")
    await users.add("robot")
    assert await users.login("robot", "") is None
    async with users.app.session() as session:
        (await session.one(Account.where(Account.login == "ann"))).is_active = False
    assert await users.login("ann", PASSWORD) is None


async def test_every_login_does_the_same_work(users: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One verification by argon2id each, of the same cost, and no other hash: whoever it is, and whatever is wrong."""
    await users.add("bob", PASSWORD)
    await users.add("cat", PASSWORD)
    await users.add("dan", PASSWORD)
    await users.add("robot")
    async with users.app.session() as session:
        (await session.one(Account.where(Account.login == "cat"))).is_active = False
    for name in ("dan", "fay"):
        for _ in range(6):
            assert await users.login(name, "wrong password") is None
    done = list[str]()

    def counted(name: str) -> None:
        real = getattr(PasswordHasher, name)

        def act(self: PasswordHasher, *given: Any) -> Any:
            done.append(f"{name} {given[0].rpartition('$')[0].rpartition('$')[0]}" if name == "verify" else name)
            return real(self, *given)

        monkeypatch.setattr(PasswordHasher, name, act)

    for name in ("verify", "hash"):
        counted(name)
    work = dict[tuple[str, str], list[str]]()
    for login in ("ann", "bob", "cat", "dan", "robot", "fay", "eve", "", "x" * 10_000):
        for password in ("wrong password", PASSWORD, "", "x" * 10_000):
            found = await users.login(login, password)
            assert (found is not None) == (login in ("ann", "bob") and password == PASSWORD)
            work[login, password] = done.copy()
            done.clear()
    assert set(map(tuple, work.values())) == {("verify $argon2id$v=19$m=8,t=1,p=1",)}
