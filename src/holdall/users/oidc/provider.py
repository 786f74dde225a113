"""An OpenID Connect provider as a client of it sees it: its document, its keys, its tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from urllib.parse import quote

import msgspec
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.users.jose_header import KINDS
from holdall.users.oidc.failed import OidcFailed
from holdall.users.oidc.fetcher import Fetcher, demand_url, is_url
from holdall.users.oidc.id_token import IdTokens
from holdall.users.oidc.key_set import KeySet

__all__ = ["OidcProvider", "Tokens"]

_LASTING = 3_600.0  # seconds for which a document is believed
_PAUSE = 5.0  # seconds after a failure
_AUTH = ("client_secret_basic", "client_secret_post", "none")


class Tokens(msgspec.Struct, frozen=True):
    """The checked answer of a provider to a code: the claims, and the token that a logout may need to show."""

    claims: dict[str, Value]
    id_token: str


class OidcProvider:
    """A provider by its ``issuer``, which is read as OpenID Connect Discovery 1.0 says, and this client of it.

    Without a ``client_secret`` the client is a public one. ID tokens are taken with one of ``algorithms``, all of them
    asymmetric. ``leeway`` is for clocks that differ, up to 300 seconds. Each question takes at most ``timeout`` seconds
    and its answer ``longest`` bytes; keys that are not known are asked for at most every ``refresh`` seconds. With
    ``userinfo`` its claims are added to those of the ID token. ``allow_http`` is for a provider on the same machine.

    Raises DeclarationError for what cannot be such a provider.

    >>> OidcProvider("https://id.example", "office", "the secret of the client")
    OidcProvider(https://id.example)
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        client_auth: str | None = None,
        algorithms: Collection[str] = ("RS256", "PS256", "ES256", "EdDSA"),
        userinfo: bool = False,
        allow_http: bool = False,
        leeway: int = 30,
        timeout: float = 10.0,
        longest: int = 262_144,
        refresh: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = demand_url("issuer=", issuer, allow_http=allow_http)
        if "?" in issuer:
            raise DeclarationError("issuer= is a URL without a query")
        self.client_id = client_id
        self._auth = _client_auth(client_id, client_secret, client_auth)
        self._userinfo = userinfo
        self._allow_http = allow_http
        self._clock = clock
        self._fetcher = Fetcher(timeout, longest)
        known = frozenset(algorithms)
        if not known or any(KINDS.get(each, "oct") == "oct" for each in known):
            raise DeclarationError("algorithms= names algorithms with public keys, such as RS256 and ES256")
        if not 0 <= leeway <= 300:
            raise DeclarationError("leeway= is 0 to 300 seconds")
        self._id_tokens = IdTokens(issuer, client_id, known, leeway)
        self._keys = KeySet(self._published, known, refresh, clock)
        self._document: tuple[float, dict[str, Value]] | None = None
        self._next = 0.0
        self._fetching = asyncio.Lock()

    def __repr__(self) -> str:
        return f"OidcProvider({self.issuer})"

    async def login_url(self, redirect_uri: str, scope: str, *, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser is sent to log in. Raises OidcFailed. Example: :class:`OidcProvider`."""
        place = await self._endpoint("authorization_endpoint")
        challenge = create_s256_code_challenge(verifier)
        found: str = prepare_grant_uri(
            place, self.client_id, "code", redirect_uri, scope, state,
            nonce=nonce, code_challenge=challenge, code_challenge_method="S256",
        )  # fmt: skip
        return found

    async def logout_url(self, id_token: str, after: str) -> str | None:
        """Return where the browser is sent to log out (RP-Initiated Logout 1.0), None where the provider has no such
        place. Raises OidcFailed. Example: :class:`OidcProvider`.
        """
        if "end_session_endpoint" not in await self._metadata():
            return None
        given = {"id_token_hint": id_token, "client_id": self.client_id, "post_logout_redirect_uri": after}
        place = await self._endpoint("end_session_endpoint")
        found: str = add_params_to_uri(place, [(name, value) for name, value in given.items() if value])
        return found

    async def demand_issuer(self, issuer: str | None) -> None:
        """Raise OidcFailed where an answer is another provider's (RFC 9207). Example: :class:`OidcProvider`."""
        must = (await self._metadata()).get("authorization_response_iss_parameter_supported") is True
        if issuer != self.issuer and (must or issuer is not None):
            raise OidcFailed("the answer is another provider's")

    async def tokens(self, code: str, redirect_uri: str, *, nonce: str, verifier: str) -> Tokens:
        """Return what the provider gives for a code, once it was looked at. Raises OidcFailed.

        Example: :class:`OidcProvider`.
        """
        place = await self._endpoint("token_endpoint")
        form = prepare_token_request("authorization_code", "", redirect_uri, code=code, code_verifier=verifier)
        _, headers, body = self._auth.prepare("POST", place, {}, form)
        answer = await self._fetcher.post("token endpoint", place, headers, body)
        access, id_token = answer.get("access_token"), answer.get("id_token")
        if not isinstance(access, str) or str(answer.get("token_type")).lower() != "bearer":
            raise OidcFailed("the token endpoint gives no bearer token")
        claims = await self._id_tokens.claims(
            id_token, keys=self._keys, nonce=nonce, access_token=access, now=int(self._clock())
        )
        if self._userinfo:
            claims = {**await self._asked(access, claims["sub"]), **claims}
        return Tokens(claims, str(id_token))

    async def _asked(self, access: str, subject: str) -> dict[str, Value]:
        place = await self._endpoint("userinfo_endpoint")
        if not access.isascii() or not access.isprintable() or " " in access:
            raise OidcFailed("the token endpoint gives no bearer token")
        found = await self._fetcher.get("userinfo endpoint", place, {"Authorization": f"Bearer {access}"})
        if found.get("sub") != subject:
            raise OidcFailed("the userinfo endpoint answers for another subject")
        return found

    async def _published(self) -> dict[str, Value]:
        return await self._fetcher.get("key document", await self._endpoint("jwks_uri"))

    async def _endpoint(self, name: str) -> str:
        url = (await self._metadata()).get(name)
        if not is_url(url, allow_http=self._allow_http):
            raise OidcFailed(f"the discovery document has no safe {name}", is_outage=True)
        return str(url)

    async def _metadata(self) -> Mapping[str, Value]:
        async with self._fetching:
            now = self._clock()
            if self._document is None or now - self._document[0] >= _LASTING:
                if now < self._next:
                    raise OidcFailed("the discovery document cannot be had", is_outage=True)
                self._next = now + _PAUSE
                found = await self._fetcher.get("discovery document", get_well_known_url(self.issuer, external=True))
                if found.get("issuer") != self.issuer:
                    raise OidcFailed("the discovery document is another issuer's", is_outage=True)
                methods = found.get("code_challenge_methods_supported", ["S256"])
                if not isinstance(methods, list) or "S256" not in methods:
                    raise OidcFailed("the provider does not know PKCE by S256", is_outage=True)
                self._document = now, found
                self._next = 0.0
            return self._document[1]


def _client_auth(client_id: str, secret: str | None, method: str | None) -> Value:
    method = method or ("none" if secret is None else "client_secret_basic")
    if method not in _AUTH or (method == "none") != (secret is None):
        raise DeclarationError(f"client_auth= is one of {', '.join(_AUTH)}, and fits whether there is a client_secret")
    if method == "client_secret_basic":  # RFC 6749, 2.3.1
        return ClientAuth(quote(client_id, safe=""), quote(str(secret), safe=""), method)
    return ClientAuth(client_id, secret, method)
