"""The users of an application: accounts, logins by password, sessions and tokens, kept in one of its stores."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from holdall.app import Holdall
from holdall.model import Model
from holdall.policy import Nobody, Policy, User
from holdall.session import Session
from holdall.users.accounts import (
    Account,
    AccountToken,
    LoginAttempts,
    LoginSession,
    PasswordReset,
    epoch_after,
)
from holdall.users.attempts import note_failure
from holdall.users.logged_in import LoggedIn, begin_session, end_session
from holdall.users.logins import account_of, plain_login
from holdall.users.password_resets import end_all, reset_password
from holdall.users.program_tokens import revoke_token, token_for, tokens_of, user_of_token
from holdall.users.secrets import Passwords, hash_of, new_token

__all__ = ["Users"]

_MODELS: tuple[type[Model], ...] = (Account, LoginSession, AccountToken, PasswordReset, LoginAttempts)


class Users:
    """Keeps accounts in a store of an application, and everything by which their users are known again.

    Nobody but the program itself may read or write these collections, unless ``policy`` says otherwise. Sessions last
    for ``session_hours``. After ``failures`` wrong passwords under one name, known or not, each further one is answered
    after a pause that doubles from a second to a quarter of an hour, without a look at the password.

    >>> from holdall import Holdall
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     users = Users(app, store="main")
    ...     account = await users.add("ann", "correct horse battery", roles=["editor"])
    ...     print(await users.login("ann", "wrong"), await users.login("eve", "wrong"))
    ...     found = await users.login("ann", "correct horse battery")
    ...     print((await users.user_of_session(found.token)).roles)
    ...     print((await users.session_of(found.token)).csrf == found.csrf)
    ...     print(await users.user_of_session(found.token, csrf="forged", is_writing=True))
    ...     await users.logout(found.token)
    ...     print(await users.user_of_session(found.token))
    ...     token = await users.issue_token("ann", "nightly", scopes=["viewer"], days=30)
    ...     print((await users.user_of_token(token)).roles)
    ...     print([(each.name, await users.revoke_token("ann", each.id)) for each in await users.tokens("ann")])
    ...     print(await users.user_of_token(token))
    ...     token = await users.issue_token("ann", scopes=["viewer"])
    ...     reset = await users.issue_reset("ann")
    ...     print(await users.reset(reset, "another password"), await users.reset(reset, "once more please"))
    ...     await users.set_roles("ann", ["viewer"])
    ...     print((await users.user_of_token(token)).roles)
    ...     await users.change_password("ann", "the third password")
    ...     print([each.login for each in await users.accounts()])
    ...     await users.set_active("ann", False)
    ...     print(await users.user_named("ann"), await users.login("ann", "the third password"))
    ...     await users.set_active("ann", True)
    ...     print((await users.find("ann")).login, (await users.user_named("ann")).login, await users.user_named("eve"))
    >>> import asyncio
    >>> asyncio.run(example())
    None None
    frozenset({'editor'})
    True
    None
    None
    frozenset()
    [('nightly', True)]
    None
    True False
    frozenset({'viewer'})
    ['ann']
    None None
    ann ann None
    """

    def __init__(
        self,
        app: Holdall,
        *,
        store: str,
        policy: Policy | None = None,
        session_hours: float = 12.0,
        failures: int = 5,
        shortest_password: int = 10,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.app = app
        self.clock = clock
        self._store, self._policy = store, policy or Policy(read=Nobody, write=Nobody)
        self._kept = set[type[Model]]()
        self._lasting = timedelta(hours=session_hours)
        self._failures = failures
        self._passwords = Passwords(shortest_password)
        self.keep(*_MODELS)
        if app.finds_user is None:
            app.find_user(self.user_named)

    def keep(self, *models: type[Model]) -> None:
        """Add models to the application, once each, where accounts are kept and as closed. Example: :class:`Users`."""
        for model in models:
            if model not in self._kept:
                self.app.add(model, store=self._store, policy=self._policy)
                self._kept.add(model)

    # --- accounts -----------------------------------------------------------------------------------------------------

    async def add(
        self, login: str, password: str | None = None, *, roles: Collection[str] = (), key: str | None = None
    ) -> Account:
        """Add an account; without a password nobody logs in by one. Raises ValidationError, and CommitAborted for a
        login that is taken. Example: :class:`Users`.
        """
        kept = "" if password is None else await self._passwords.hashed(password)
        async with self.app.session() as session:
            made = Account(id=key or new_token()[:22], login=plain_login(login), password=kept, roles=list(roles))
            return session.add(made)

    async def find(self, login: str) -> Account:
        """Return the account of this login. Raises NotFound. Example: :class:`Users`."""
        async with self.app.session() as session:
            return await account_of(session, login)

    async def accounts(self, *, after: str = "", limit: int = 50) -> list[Account]:
        """Return accounts by their logins, ``limit`` of those behind a login. Example: :class:`Users`."""
        async with self.app.session() as session:
            return list(await session.query(Account.where(Account.login > after).sort(Account.login).limit(limit)))

    async def user_named(self, login: str) -> User | None:
        """Return the user of this login; None where there is no such account, or it is not active.

        Example: :class:`Users`.
        """
        async with self.app.session() as session:
            found = await session.first(Account.where(Account.login == plain_login(login)))
        return found.user() if found is not None and found.is_active else None

    async def change_password(self, login: str, password: str) -> None:
        """Give an account another password, and end all of its sessions. Raises NotFound, ValidationError.

        Example: :class:`Users`.
        """
        kept = await self._passwords.hashed(password)
        async with self.app.session() as session:
            account = await account_of(session, login)
            account.password = kept
            await end_all(session, account, self.clock())

    async def set_roles(self, login: str, roles: Collection[str]) -> None:
        """Give an account these roles and no others, from now on. Raises NotFound. Example: :class:`Users`."""
        async with self.app.session() as session:
            account = await account_of(session, login)
            account.roles = sorted(set(roles))
            account.epoch = epoch_after(self.clock())

    async def set_active(self, login: str, is_active: bool) -> None:
        """Let an account in again, or no more: then all of its sessions are over, and its tokens do not hold.

        Raises NotFound. Example: :class:`Users`.
        """
        async with self.app.session() as session:
            account = await account_of(session, login)
            account.is_active = is_active
            if not is_active:
                await end_all(session, account, self.clock())

    async def epoch_of(self, account: str) -> int | None:
        """Return since when bearer tokens of an account hold, in seconds; None where it is none, or not active.

        Example: :class:`Users`.
        """
        async with self.app.session() as session:
            found = await session.get(Account, account)
        return found.epoch if found is not None and found.is_active else None

    # --- passwords ----------------------------------------------------------------------------------------------------

    async def login(self, login: str, password: str) -> LoggedIn | None:
        """Begin a session; None where the login or the password is not right, or while further tries must wait.

        The answer takes the same time and the same work for names that nobody has. Example: :class:`Users`.
        """
        now, name = self.clock(), hash_of(plain_login(login))
        async with self.app.session() as session:
            attempts = await session.get(LoginAttempts, name)
            found = await session.first(Account.where(Account.login == plain_login(login)))
        is_locked = attempts is not None and attempts.locked_until is not None and attempts.locked_until > now
        is_known = found is not None and found.is_active and not is_locked
        kept = found.password if found is not None and is_known else ""
        fits = await self._passwords.fits(kept, password)
        if not fits or found is None:
            if not is_locked:
                await self.app.run(lambda session: note_failure(session, name, now, self._failures))
            return None
        rehashed = await self._passwords.hashed(password) if self._passwords.is_outdated(kept) else None
        async with self.app.session() as session:
            made = await self.begin(session, found)
            if attempts is not None:
                await session.delete(LoginAttempts.where(LoginAttempts.id == name))
            if rehashed is not None:
                (await session.require(Account, found.id)).password = rehashed
        return made

    async def issue_reset(self, login: str, *, minutes: float = 30.0) -> str:
        """Return a token by which the password can be set once; it is to be sent to the user. Raises NotFound.

        Example: :class:`Users`.
        """
        token = new_token()
        async with self.app.session() as session:
            account = await account_of(session, login)
            expires = self.clock() + timedelta(minutes=minutes)
            session.add(PasswordReset(id=hash_of(token), account=account.id, expires=expires))
        return token

    async def reset(self, token: str, password: str) -> bool:
        """Set the password by a token, which then holds no more; whether it did. Raises ValidationError.

        Example: :class:`Users`.
        """
        kept = await self._passwords.hashed(password)
        now = self.clock()
        return await self.app.run(lambda session: reset_password(session, token, kept, now))

    # --- sessions and tokens ------------------------------------------------------------------------------------------

    async def begin(self, session: Session, account: Account) -> LoggedIn:
        """Begin a session of an account that was known in another way; it is there with the commit of ``session``.

        Example: :class:`Users`.
        """
        return await begin_session(session, account, self.clock(), self._lasting)

    async def session_of(self, token: str) -> LoggedIn | None:
        """Return what a login gave, by the token of its cookie; None where the session is over.

        Example: :class:`Users`.
        """
        async with self.app.session() as session:
            found = await session.get(LoginSession, hash_of(token))
            account = None if found is None else await session.get(Account, found.account)
        if found is None or account is None or not account.is_active or found.expires <= self.clock():
            return None
        return LoggedIn(token, found.csrf, account.user(), found.expires)

    async def user_of_session(self, token: str, *, csrf: str = "", is_writing: bool = False) -> User | None:
        """Return the user of a session; None where it is over, or is to write without its ``csrf`` token.

        Example: :class:`Users`.
        """
        found = await self.session_of(token)
        if found is None:
            return None
        if is_writing and not hmac.compare_digest(found.csrf.encode(), csrf.encode("utf-8", "surrogatepass")):
            return None
        return found.user

    async def logout(self, token: str) -> None:
        """End a session, and bearer tokens that were made for its user so far. Example: :class:`Users`."""
        await self.app.run(lambda session: end_session(session, token, self.clock()))

    async def issue_token(
        self, login: str, name: str = "", *, scopes: Collection[str] | None = None, days: float | None = 90.0
    ) -> str:
        """Return a token for programs that act for a user, shown this once: for ``days``, with no roles but ``scopes``.

        Raises NotFound. Example: :class:`Users`.
        """
        expires = None if days is None else self.clock() + timedelta(days=days)
        async with self.app.session() as session:
            return token_for(session, await account_of(session, login), name, scopes, expires)

    async def user_of_token(self, token: str) -> User | None:
        """Return the user of a token for programs, None where it does not hold. Example: :class:`Users`."""
        async with self.app.session() as session:
            return await user_of_token(session, token, self.clock())

    async def tokens(self, login: str) -> list[AccountToken]:
        """Return what is kept of the tokens of an account, by name; never the tokens themselves. Raises NotFound.

        Example: :class:`Users`.
        """
        async with self.app.session() as session:
            return await tokens_of(session, await account_of(session, login))

    async def revoke_token(self, login: str, token: str) -> bool:
        """Take a token of an account back by ``AccountToken.id``, and return whether there was one. Raises NotFound.

        Example: :class:`Users`.
        """
        async with self.app.session() as session:
            return await revoke_token(session, await account_of(session, login), token)
