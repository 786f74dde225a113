"""Logins by a provider: from the first redirect to a session of an account, and out again."""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Collection, Mapping
from datetime import timedelta

import msgspec

from holdall.errors import CommitAborted, DeclarationError, NotFound
from holdall.session import Session
from holdall.users import Account, LoggedIn, Users
from holdall.users.accounts import epoch_after
from holdall.users.oidc.claim_map import ClaimMap, MappedClaims
from holdall.users.oidc.failed import OidcFailed
from holdall.users.oidc.fetcher import demand_url
from holdall.users.oidc.provider import OidcProvider, Tokens
from holdall.users.oidc.records import OidcIdentity, OidcRequest, OidcSession
from holdall.users.oidc.targets import Targets
from holdall.users.secrets import hash_of, new_token

__all__ = ["OidcDone", "OidcLogin", "OidcStart"]

_MINUTES = 10.0  # for which a login may take
_LONGEST = 2_048  # characters of a code
_LONGEST_HINT = 4_096  # characters of an ID token that is shown at a logout

_log = logging.getLogger("holdall.users")


class OidcStart(msgspec.Struct, frozen=True):
    """A login that begins: where the browser is sent, and the token for its cookie. Example: ``docs/users.md``."""

    url: str
    token: str

    def __repr__(self) -> str:
        return "OidcStart(...)"


class OidcDone(msgspec.Struct, frozen=True):
    """A login that went well, and where it leads. Example: ``docs/users.md``."""

    logged_in: LoggedIn
    target: str


class OidcLogin:
    """Logs users of ``users`` in by a provider, with the authorization code flow, PKCE, state and nonce.

    ``redirect_uri`` is this service's own address for the provider's answers, as it is registered there. A subject that
    is not known is refused until ``link`` gives it an account; with ``adds_accounts`` it gets one of its own, unless
    its login is taken. ``claims`` says what of the claims becomes login, roles and attributes. A login leads to one of
    ``targets`` alone. With ``after_logout``, an address that is registered there, too, a logout ends the session at the
    provider. Raises DeclarationError for settings that do not fit.

    Example: ``docs/users.md``.
    """

    def __init__(
        self,
        users: Users,
        provider: OidcProvider,
        *,
        redirect_uri: str,
        claims: ClaimMap | None = None,
        adds_accounts: bool = False,
        scopes: Collection[str] = ("openid", "profile", "email"),
        targets: Collection[str] = ("/",),
        after_logout: str | None = None,
    ) -> None:
        if isinstance(scopes, str) or "openid" not in scopes:
            raise DeclarationError("scopes= is a list of names, with 'openid' among them")
        self.users = users
        self._provider = provider
        self._redirect_uri = demand_url("redirect_uri=", redirect_uri, allow_http=True)
        self._claims = claims or ClaimMap()
        self._adds_accounts = adds_accounts
        self._scope = " ".join(scopes)
        self._targets = Targets(targets)
        self._after_logout = after_logout and demand_url("after_logout=", after_logout, allow_http=True)
        users.keep(OidcIdentity, OidcRequest, OidcSession)

    def __repr__(self) -> str:
        return f"OidcLogin({self._provider.issuer})"

    async def link(self, login: str, subject: str) -> None:
        """Let a subject of the provider be the account of this login. Raises NotFound, and CommitAborted where the
        subject is an account's already. Example: ``docs/users.md``.
        """
        account = await self.users.find(login)
        async with self.users.app.session() as session:
            session.add(self._identity(subject, account.id))

    async def begin(self, target: str | None = None) -> OidcStart | None:
        """Return where the browser is sent, and what it keeps; None for a target that is not allowed.

        Raises OidcFailed. Example: ``docs/users.md``.
        """
        chosen = self._targets.first if target is None else target
        if not self._targets.allows(chosen):
            return None
        token, now = new_token(), self.users.clock()
        state, nonce, verifier = _secrets(token)
        try:
            url = await self._provider.login_url(
                self._redirect_uri, self._scope, state=state, nonce=nonce, verifier=verifier
            )
        except OidcFailed as error:
            raise self._told(error) from None
        async with self.users.app.session() as session:
            expires = now + timedelta(minutes=_MINUTES)
            session.add(OidcRequest(id=hash_of(token), provider=self._place, target=chosen, expires=expires))
            for model in (OidcRequest, OidcSession):
                await session.delete(model.where(model.expires < now).limit(100))
        return OidcStart(url, token)

    async def finish(self, token: str | None, given: Mapping[str, str]) -> OidcDone:
        """Return the session that an answer of the provider gives to the browser that holds the token: once only.

        ``given`` are the parameters of the answer. Raises OidcFailed for what does not hold.

        Example: ``docs/users.md``.
        """
        try:
            return await self._finished(token, given)
        except OidcFailed as error:
            raise self._told(error) from None

    async def logout(self, token: str) -> str | None:
        """End a session, and return where the browser is sent to end that at the provider, None for nowhere.

        Example: ``docs/users.md``.
        """
        await self.users.logout(token)
        found = await self.users.app.run(lambda session: _taken(session, token))
        if self._after_logout is None:
            return None
        try:
            return await self._provider.logout_url("" if found is None else found.id_token, self._after_logout)
        except OidcFailed as error:
            self._told(error)
            return None

    async def _finished(self, token: str | None, given: Mapping[str, str]) -> OidcDone:
        state, nonce, verifier = _secrets(token or "")
        answered = given.get("state", "").encode("utf-8", "surrogatepass")
        if not token or not hmac.compare_digest(state.encode(), answered):
            raise OidcFailed("the answer is not for this browser")
        target = await self._taken(token)
        await self._provider.demand_issuer(given.get("iss"))
        code = given.get("code", "")
        if "error" in given or not 0 < len(code) <= _LONGEST:
            raise OidcFailed("the provider gives no code")
        tokens = await self._provider.tokens(code, self._redirect_uri, nonce=nonce, verifier=verifier)
        mapped = self._claims.of(tokens.claims)
        try:
            async with self.users.app.session() as session:
                return OidcDone(await self._begun(session, tokens, mapped), target)
        except CommitAborted:
            raise OidcFailed("the account was changed meanwhile, or its login is taken") from None

    async def _taken(self, token: str) -> str:
        """Where the login leads that this token began; of several who ask at once, one is told."""
        try:
            async with self.users.app.session() as session:
                found = await session.get(OidcRequest, hash_of(token))
                if found is None or found.provider != self._place or found.expires <= self.users.clock():
                    raise OidcFailed("the login was not begun, is over, or took too long")
                session.remove(found)
                target = found.target
        except CommitAborted:
            raise OidcFailed("the login is over") from None
        return target

    async def _begun(self, session: Session, tokens: Tokens, mapped: MappedClaims) -> LoggedIn:
        account = await self._account(session, tokens.claims["sub"], mapped)
        if not account.is_active:
            raise OidcFailed("the account is not active")
        if mapped.roles is not None and mapped.roles != sorted(account.roles):
            account.roles = mapped.roles
            account.epoch = epoch_after(self.users.clock())
        kept = account.attributes if isinstance(account.attributes, dict) else {}
        rest = {name: value for name, value in kept.items() if name not in self._claims.attributes}
        if rest | mapped.attributes != kept:
            account.attributes = rest | mapped.attributes
        made = await self.users.begin(session, account)
        if self._after_logout is not None and len(tokens.id_token) <= _LONGEST_HINT:
            session.add(OidcSession(id=hash_of(made.token), id_token=tokens.id_token, expires=made.expires))
        return made

    async def _account(self, session: Session, subject: str, mapped: MappedClaims) -> Account:
        identity = self._identity(subject, "")
        known = await session.get(OidcIdentity, identity.id)
        if known is not None:
            try:
                return await session.require(Account, known.account)
            except NotFound:
                raise OidcFailed("the account is gone") from None
        if not self._adds_accounts:
            raise OidcFailed("the subject has no account")
        if await session.exists(Account.where(Account.login == mapped.login)):
            raise OidcFailed("the login is taken by another account")
        account = session.add(Account(id=new_token()[:22], login=mapped.login))
        identity.account = account.id
        session.add(identity)
        return account

    def _identity(self, subject: str, account: str) -> OidcIdentity:
        key = hash_of(f"{self._provider.issuer}\n{subject}")
        return OidcIdentity(id=key, issuer=self._provider.issuer, subject=subject, account=account)

    @property
    def _place(self) -> str:
        return f"{self._provider.issuer} {self._provider.client_id} {self._redirect_uri}"

    def _told(self, error: OidcFailed) -> OidcFailed:
        _log.warning("login by %s came to nothing: %s", self._provider.issuer, error.reason)
        return error


def _secrets(token: str) -> tuple[str, str, str]:
    """State, nonce and verifier of a login: functions of the browser's token, so that none of them is kept."""
    state, nonce, verifier = (
        base64.urlsafe_b64encode(hmac.digest(token.encode("utf-8", "surrogatepass"), purpose, "sha256"))
        for purpose in (b"state", b"nonce", b"verifier")
    )
    return tuple(each.rstrip(b"=").decode() for each in (state, nonce, verifier))  # type: ignore[return-value]


async def _taken(session: Session, token: str) -> OidcSession | None:
    """Remove what is known of a session at the provider, and return it."""
    found = await session.get(OidcSession, hash_of(token))
    if found is not None:
        session.remove(found)
    return found
