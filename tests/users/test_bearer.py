"""JWTs: what is right is taken, and nothing of the known attacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwk, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from holdall import Holdall
from holdall.errors import DeclarationError
from holdall.users import JwtBearer, JwtKey, Users
from holdall.users.accounts import epoch_after

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000
SECRET = b"a secret of more than thirty-two bytes"
RSA = RSAKey.generate_key(2048, private=True)
EC = ECKey.generate_key("P-256", private=True)
CLAIMS = {
    "iss": "https://id.example",
    "aud": "api",
    "sub": "ann",
    "iat": NOW - 10,
    "exp": NOW + 60,
    "roles": ["editor"],
}


def made(header: dict[str, Any] | None = None, key: Any = RSA, **claims: Any) -> str:
    given = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa", **(header or {})}
    values = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode({k: v for k, v in given.items() if v is not None}, values, key, algorithms=[str(given["alg"])])


def unsigned(header: dict[str, Any], **claims: Any) -> str:
    parts = [json.dumps(each).encode() for each in (header, {**CLAIMS, **claims})]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed(header: dict[str, Any], key: bytes) -> str:
    """A token whose signature is an HMAC, whatever its header says."""
    text = unsigned(header).rstrip(".")
    made_of = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(made_of).rstrip(b'=').decode()}"


def bearer(**options: Any) -> JwtBearer:
    keys = [
        JwtKey("RS256", RSA.as_dict(private=False), "rsa"),
        JwtKey("ES256", EC.as_dict(private=False), "ec"),
        JwtKey("HS256", SECRET, "hs"),
    ]
    given: dict[str, Any] = {"keys": keys, "clock": lambda: NOW} | options
    return JwtBearer(issuer="https://id.example", audience="api", **given)


async def test_tokens_that_hold_are_taken() -> None:
    held = bearer()
    for token in (
        made(),
        made({"typ": "JWT"}),
        made({"alg": "ES256", "kid": "ec"}, EC),
        made({"alg": "HS256", "kid": "hs"}, OctKey.import_key(SECRET)),
        made(aud=["other", "api"]),
        made(exp=NOW - 10),  # within the leeway
    ):
        user = await held.user_of(token)
        assert user is not None
        assert (user.id, *user.roles) == ("ann", "editor")
    user = await held.user_of(made(tenant="north"))
    assert user is not None
    assert user.attributes["tenant"] == "north"


_PUBLIC = RSA.as_pem(private=False)
ATTACKS: dict[str, Any] = {
    "none": lambda: unsigned({"alg": "none", "typ": "at+jwt", "kid": "rsa"}),
    "None": lambda: unsigned({"alg": "None", "typ": "at+jwt"}),
    "no algorithm": lambda: unsigned({"typ": "at+jwt", "kid": "rsa"}),
    "signature left out": lambda: made().rpartition(".")[0] + ".",
    "other claims": lambda: ".".join([made().split(".")[0], made(sub="boss").split(".")[1], made().split(".")[2]]),
    "public key as secret": lambda: signed({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, _PUBLIC),
    "public key as secret of another": lambda: signed({"alg": "HS256", "typ": "JWT", "kid": "hs"}, _PUBLIC),
    "other algorithm of the same key": lambda: made({"alg": "RS512"}),
    "PS256": lambda: made({"alg": "PS256"}),
    "another key": lambda: made(key=RSAKey.generate_key(2048, private=True)),
    "key of another": lambda: made({"kid": "ec"}),
    "unknown kid": lambda: made({"kid": "../../dev/null"}),
    "no kid": lambda: made({"kid": None}),
    "kid of another type": lambda: unsigned({"alg": "RS256", "typ": "at+jwt", "kid": ["rsa"]}),
    "jku": lambda: made({"jku": "https://evil.example/keys"}),
    "jwk": lambda: made({"jwk": EC.as_dict(private=False)}),
    "x5u": lambda: made({"x5u": "https://evil.example/chain"}),
    "x5c": lambda: made({"x5c": ["AAAA"]}),
    "expired": lambda: made(exp=NOW - 60),
    "no end": lambda: made(exp=None),
    "end is text": lambda: made(exp="2099"),
    "not yet": lambda: made(nbf=NOW + 600),
    "made later": lambda: made(iat=NOW + 600),
    "no iat": lambda: made(iat=None),
    "another audience": lambda: made(aud="other"),
    "no audience": lambda: made(aud=None),
    "another issuer": lambda: made(iss="https://evil.example"),
    "no issuer": lambda: made(iss=None),
    "no subject": lambda: made(sub=None),
    "subject is no text": lambda: made(sub=7),
    "another type": lambda: made({"typ": "id_token"}),
    "no type": lambda: signed({"alg": "HS256", "kid": "hs"}, SECRET),
    "roles are text": lambda: made(roles="admin"),
    "10 MiB": lambda: made() + "A" * 10 * 1024 * 1024,
    "large claims": lambda: made(more="x" * 10_000),
    "four parts": lambda: made() + ".x",
    "empty": lambda: "",
    "dots": lambda: "..",
    "no base64": lambda: "\u00e9.\u00e9.\u00e9",
    "deep header": lambda: base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("=") + ".e30.e30",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_not_taken(attack: str) -> None:
    assert await bearer().user_of(ATTACKS[attack]()) is None


async def test_keys_of_an_issuer_are_asked_again_for_new_ones_only_so_often() -> None:
    asked, published, now = list[int](), {"keys": list[Any]()}, [float(NOW)]

    async def jwks() -> dict[str, Any]:
        asked.append(1)
        return published

    held = bearer(keys=(), jwks=jwks, clock=lambda: now[0])
    public = RSA.as_dict(private=False)
    assert await held.user_of(made()) is None
    published["keys"] = [
        {**public, "kid": "rsa", "alg": "RS256", "use": "sig"},
        {**OctKey.import_key(SECRET).as_dict(private=True), "kid": "hs", "alg": "HS256"},
        {**public, "kid": "enc", "alg": "RS256", "use": "enc"},
        {**public, "kid": "unpinned"},
    ]
    assert await held.user_of(made()) is None
    assert len(asked) == 1
    now[0] += 61
    assert await held.user_of(made(exp=NOW + 600)) is not None
    assert len(asked) == 2
    for kid, key, algorithm in (
        ("hs", OctKey.import_key(SECRET), "HS256"),
        ("enc", RSA, "RS256"),
        ("unpinned", RSA, "RS256"),
    ):
        now[0] += 61
        assert await held.user_of(made({"kid": kid, "alg": algorithm}, key, exp=NOW + 9_000)) is None
    published["keys"] = []
    now[0] += 61
    await held.user_of(made({"kid": "other"}, exp=NOW + 9_000))
    assert await held.user_of(made(exp=NOW + 9_000)) is None  # its key was withdrawn


async def test_tokens_end_with_a_logout_and_with_a_role() -> None:
    app = Holdall("people")
    app.add_store("main", "memory:")
    users = Users(app, store="main")
    await users.add("ann", "correct horse battery", roles=["editor"], key="ann")
    now = epoch_after(users.clock())
    claims: dict[str, Any] = {"iat": now - 5, "exp": now + 600}
    held = bearer(epoch=users.epoch_of, clock=lambda: now)
    assert await held.user_of(made(**claims)) is not None
    assert await held.user_of(made(sub="eve", **claims)) is None
    found = await users.login("ann", "correct horse battery")
    assert found is not None
    await users.logout(found.token)
    assert await held.user_of(made(**claims)) is None
    assert await held.user_of(made(iat=now + 2, exp=now + 600)) is not None
    await users.set_roles("ann", [])
    assert await held.user_of(made(**claims)) is None
    await app.close()


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: JwtKey("none", SECRET), "no algorithm 'none'"),
        (lambda: JwtKey("HS256", b"short"), "32 bytes"),
        (lambda: JwtKey("RS256", b"no pem"), "no key for RS256"),
        (lambda: JwtBearer(issuer="x", audience="y"), "needs keys"),
        (lambda: JwtBearer(issuer="x", audience="y", keys=[JwtKey("HS256", SECRET)] * 2), "has an id"),
    ],
)
def test_what_cannot_be_a_key_is_refused_at_start(make: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        make()


def test_the_keys_of_these_tests_are_keys() -> None:
    assert isinstance(jwk.import_key(EC.as_dict(private=True), "EC"), ECKey)
