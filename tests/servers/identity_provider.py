"""A small OpenID Connect provider, in a thread: it does as the standard says, or in one point not.

``consent`` stands for the user who logs in there. ``faults`` names what it does wrong, until that is taken out again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey

__all__ = ["TOKEN_FAULTS", "IdentityProvider"]

_KEYS = [RSAKey.generate_key(2048, private=True) for _ in range(3)]


class IdentityProvider:
    """A provider for the time of a ``with`` block; ``issuer`` is where it listens, ``asked`` counts its endpoints."""

    def __init__(self) -> None:
        self.issuer = ""
        self.client_id, self.client_secret = "office", "s3cret of the client"
        self.faults = set[str]()
        self.claims: dict[str, Any] = {"sub": "248289761001", "preferred_username": "Ann"}
        self.asked = Counter[str]()
        self.key = 0
        self.clock: Callable[[], float] = time.time
        self._codes: dict[str, dict[str, str]] = {}
        self._access: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._hanging = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._loop.call_soon_threadsafe(self._hanging.set)
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def consent(self, url: str) -> dict[str, str]:
        """Log the user in at the address that a browser was sent to; what it is to give back to the client."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", self.client_id)
        assert "openid" in asked["scope"].split()
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        if "mixed up" in self.faults:
            answer["iss"] = "https://evil.example"
        if "no iss" in self.faults:
            del answer["iss"]
        return answer

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/keys", self._published)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.issuer = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]

    async def _configuration(self, request: web.Request) -> web.StreamResponse:
        found: dict[str, Any] = {
            "issuer": "https://evil.example" if "another discovery" in self.faults else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "code_challenge_methods_supported": ["plain"] if "plain PKCE" in self.faults else ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        if "unsafe endpoint" in self.faults:
            found["authorization_endpoint"] = "javascript:alert(1)//"
        return await self._answered(request, "discovery", found)

    async def _published(self, request: web.Request) -> web.StreamResponse:
        public = _KEYS[self.key].as_dict(private=False)
        keys = [{**public, "kid": f"key{self.key}", "use": "enc" if "encryption key" in self.faults else "sig"}]
        if "secret in keys" in self.faults:
            keys = [{"kty": "oct", "k": base64.urlsafe_b64encode(_pem()).rstrip(b"=").decode(), "kid": "key0"}]
        return await self._answered(request, "keys", {"keys": keys})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        expected = "Basic " + base64.b64encode(b"office:s3cret%20of%20the%20client").decode()
        asked = self._codes.get(form["code"]) if "replayed" in self.faults else self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_right = (
            asked is not None
            and request.headers.get("Authorization") == expected
            and form["redirect_uri"] == asked["redirect_uri"]
            and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        )
        if not is_right or asked is None:
            return await self._answered(request, "token", {"error": "invalid_grant"}, status=400)
        access = secrets.token_urlsafe(16)
        self._access.add(access)
        answer = {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(asked["nonce"], access)}
        if "no id token" in self.faults:
            del answer["id_token"]
        return await self._answered(request, "token", answer)

    async def _userinfo(self, request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._access:
            return await self._answered(request, "userinfo", {}, status=401)
        subject = "another" if "another userinfo" in self.faults else self.claims["sub"]
        return await self._answered(request, "userinfo", {"sub": subject, "groups": ["staff"], "iss": "not believed"})

    async def _answered(
        self, request: web.Request, part: str, body: dict[str, Any], status: int = 200
    ) -> web.StreamResponse:
        self.asked[part] += 1
        if f"hanging {part}" in self.faults:
            await self._hanging.wait()
        if f"failing {part}" in self.faults:
            status = 500
        if f"redirecting {part}" in self.faults:
            raise web.HTTPTemporaryRedirect(f"{self.issuer}{request.path}?again")
        if f"html {part}" in self.faults:
            return web.Response(text="<html>", content_type="text/html")
        if f"huge {part}" in self.faults:
            body = {**body, "more": "x" * 2_000_000}
        if f"bomb {part}" in self.faults:
            answer = web.json_response({**body, "more": "x" * 2_000_000})
            answer.enable_compression(web.ContentCoding.gzip)
            answer.headers["Content-Encoding"] = "gzip"
            return answer
        return web.json_response(body, status=status)

    def _id_token(self, nonce: str, access: str) -> str:
        now, half = int(self.clock()), hashlib.sha256(access.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **self.claims,
        }
        header: dict[str, Any] = {"alg": "RS256", "kid": f"key{self.key}", "typ": "JWT"}
        for fault in self.faults:
            for name, value in (_CLAIMS.get(fault, {})).items():
                claims[name] = value(now) if callable(value) else value
            header.update(_HEADERS.get(fault, {}))
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in header.items() if value is not None}
        if header["alg"] == "none":
            return f"{_signed(header, claims, b'').rpartition('.')[0]}."
        if header["alg"] == "HS256":
            return _signed(header, claims, _pem())
        key = _KEYS[2 if "another key" in self.faults else self.key]
        text = f"{_part(header)}.{_part(claims)}"
        assert key.private_key is not None
        digest = hashes.SHA512() if header["alg"] == "RS512" else hashes.SHA256()
        signature = key.private_key.sign(text.encode(), padding.PKCS1v15(), digest)
        found = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        if "changed after" in self.faults:
            first, _, last = found.split(".")
            return f"{first}.{_part({**claims, 'sub': 'boss'})}.{last}"
        return found


_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "empty nonce": {"nonce": ""},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "shop"},
    "no audience": {"aud": None},
    "several audiences": {"aud": ["office", "shop"]},
    "several audiences for another": {"aud": ["office", "shop"], "azp": "shop"},
    "for another": {"azp": "shop"},
    "expired": {"exp": lambda now: now - 60},
    "no end": {"exp": None},
    "end is text": {"exp": "2099-01-01"},
    "end is true": {"exp": True},
    "made later": {"iat": lambda now: now + 600},
    "made long ago": {"iat": lambda now: now - 3_600},
    "no moment": {"iat": None},
    "not yet": {"nbf": lambda now: now + 600},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "subject is a number": {"sub": 7},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "unsigned": {"alg": "none"},
    "public key as secret": {"alg": "HS256"},
    "public key as secret, published": {"alg": "HS256"},
    "another algorithm": {"alg": "RS512"},
    "no kid": {"kid": None},
    "unknown kid": {"kid": "key9"},
    "own address of keys": {"jku": "https://evil.example/keys"},
    "own key": {"jwk": _KEYS[1].as_dict(private=False)},
    "critical": {"crit": ["exp"]},
    "access token": {"typ": "at+jwt"},
}


def _pem() -> bytes:
    return _KEYS[0].as_pem(private=False)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    text = f"{_part(header)}.{_part(claims)}"
    digest = hmac.digest(key, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


TOKEN_FAULTS = (*_CLAIMS, *_HEADERS, "another key", "changed after", "no id token")
"""What a provider may do wrong with an ID token."""
