"""Logins by a provider that listens on loopback: what is right is taken, and nothing of what is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from holdall import Authenticated, Holdall, Model, Policy, Role, field
from holdall.errors import CommitAborted, DeclarationError, NotFound
from holdall.testing.client import Answer, Client
from holdall.users import Account, Authenticator, LoginSession, Users
from holdall.users.oidc import ClaimMap, OidcFailed, OidcIdentity, OidcLogin, OidcProvider, OidcRequest, OidcSession
from holdall.users.oidc.id_token import IdTokens
from holdall.web.oidc_login import include_oidc_login
from tests.servers.identity_provider import TOKEN_FAULTS, IdentityProvider
from tests.support.local_stores import local_url

pytestmark = pytest.mark.anyio

HERE = "https://office.example/auth/oidc/callback"
_PROVIDER = OidcProvider("https://id.example", "office")


class Note(Model, collection="notes"):
    id: int = field(pk=True)


class Clock:
    """A clock that is set by hand, from now on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


class Browser:
    """A browser with its cookies, the office that it visits, and the provider that the office asks."""

    def __init__(self, provider: IdentityProvider, store: str = "memory:", **options: Any) -> None:
        self.provider = provider
        self.clock = Clock()
        provider.clock = lambda: self.clock().timestamp()
        self.app = Holdall("office")
        self.app.add_store("main", store)
        self.app.add(Note, store="main", policy=Policy(read=Authenticated, write=Role("editor")))
        self.users = Users(self.app, store="main", clock=self.clock)
        asked = {name: options.pop(name) for name in ("userinfo", "timeout", "refresh", "longest") if name in options}
        self.asked = OidcProvider(
            provider.issuer, provider.client_id, provider.client_secret, allow_http=True,
            clock=provider.clock, **asked,
        )  # fmt: skip
        given: dict[str, Any] = {"redirect_uri": HERE, "adds_accounts": True, **options}
        self.login = OidcLogin(self.users, self.asked, **given)
        self.app.identify(Authenticator(self.users))
        api = self.app.asgi()
        include_oidc_login(api, self.login)
        self.client = Client(api)
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.get(path, **({"cookie": cookie} if cookie else {}), **headers)
        if "set-cookie" in answer.headers:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def begin(self, query: str = "") -> dict[str, str]:
        answer = await self.get(f"/auth/oidc/login{query}")
        assert answer.status == 302, answer.body
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"} <= set(answer.headers["set-cookie"].split("; "))
        return self.provider.consent(answer.headers["location"])

    async def end(self, answer: dict[str, str]) -> Answer:
        return await self.get(f"/auth/oidc/callback?{urlencode(answer)}")

    async def go(self, query: str = "") -> Answer:
        return await self.end(await self.begin(query))

    async def sessions(self) -> int:
        async with self.app.session() as session:
            return await session.count(LoginSession.where())


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with IdentityProvider() as found:
        yield found


@pytest.fixture
def provider(server: IdentityProvider) -> IdentityProvider:
    server.faults.clear()
    server.key = 0
    server.claims = {"sub": "248289761001", "preferred_username": "Ann"}
    server.asked.clear()
    return server


@pytest.fixture
async def browser(provider: IdentityProvider) -> AsyncIterator[Browser]:
    found = Browser(provider)
    yield found
    await found.app.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite", "yaml"])
async def test_a_login_leads_back_with_a_session(kind: str, provider: IdentityProvider, tmp_path: Path) -> None:
    browser = Browser(provider, local_url(kind, tmp_path), targets=["/notes"])
    await browser.app.create()
    assert (await browser.get("/notes")).status == 401
    answer = await browser.go("?target=/notes%3Fsort=id")
    assert (answer.status, answer.headers["location"]) == (303, "/notes?sort=id")
    assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get("/notes")).status == 200
    told = (await browser.get("/auth/oidc/session")).json()
    assert (told["user"]["login"], told["user"]["roles"]) == ("ann", [])
    assert (await browser.get("/auth/oidc/session", sec_fetch_site="cross-site")).status == 401
    user = told["user"]["id"]
    await browser.go()  # the same subject is the same account
    assert (await browser.get("/auth/oidc/session")).json()["user"]["id"] == user
    async with browser.app.session() as session:
        assert await session.count(Account.where()) == 1
        assert await session.count(OidcRequest.where()) == 0
    await browser.app.close()


async def test_no_token_that_is_wrong_is_taken(browser: Browser) -> None:
    taken = list[str]()
    for fault in TOKEN_FAULTS:
        browser.provider.faults = {fault}
        answer = await browser.go()
        if (answer.status, answer.json()["detail"]) != (401, "The login did not succeed. Begin it again."):
            taken.append(fault)
        browser.clock.ahead += 61  # keys may be asked for again
    assert (taken, await browser.sessions()) == ([], 0)
    browser.provider.faults = set()
    assert (await browser.go()).status == 303


async def test_a_published_secret_is_no_key(browser: Browser) -> None:
    browser.provider.faults |= {"public key as secret", "secret in keys"}
    assert (await browser.go()).status == 401
    browser.provider.faults.clear()
    browser.clock.ahead += 61
    browser.provider.faults.add("encryption key")
    assert (await browser.go()).status == 401


async def test_several_audiences_are_taken_where_it_is_for_us(browser: Browser) -> None:
    browser.provider.claims |= {"aud": ["shop", "office"], "azp": "office"}
    assert (await browser.go()).status == 303


async def test_an_answer_is_for_one_browser_and_once(browser: Browser, provider: IdentityProvider) -> None:
    provider.faults.add("replayed")  # this provider would give tokens for a code again and again
    other = Browser(provider)
    mine, theirs = await browser.begin(), await other.begin()
    changes: list[dict[str, str]] = [
        theirs,
        {"state": theirs["state"]},
        {"state": ""},
        {"state": mine["state"] + "\u00e9"},
    ]
    for change in changes:
        assert (await browser.end(mine | change)).status == 401
        mine = await browser.begin()
    del mine["state"]
    assert (await browser.end(mine)).status == 401
    mine = await browser.begin()
    injected = mine | {"code": theirs["code"]}  # PKCE and nonce are of another browser
    assert (await browser.end(injected)).status == 401
    mine = await browser.begin()
    kept = dict(browser.cookies)
    assert (await browser.end(mine)).status == 303
    browser.cookies = kept
    assert (await browser.end(mine)).status == 401
    browser.cookies = {}
    assert (await browser.end(mine)).status == 401
    assert await browser.sessions() == 1
    await other.app.close()


async def test_an_answer_that_is_made_up_does_not_end_the_login_under_way(browser: Browser) -> None:
    mine = await browser.begin()
    assert (await browser.end({"code": "made up", "state": "made up"})).status == 401
    assert (await browser.end(mine)).status == 303


async def test_an_answer_is_for_the_login_that_asked(browser: Browser) -> None:
    other = OidcLogin(browser.users, browser.asked, redirect_uri="https://office.example/other", adds_accounts=True)
    mine = await browser.begin()
    with pytest.raises(OidcFailed, match="was not begun"):
        await other.finish(browser.cookies["__Host-oidc"], mine)
    assert await browser.sessions() == 0


@pytest.mark.parametrize("kind", ["memory", "sqlite", "yaml"])
async def test_of_answers_at_once_one_is_taken(kind: str, provider: IdentityProvider, tmp_path: Path) -> None:
    provider.faults.add("replayed")
    browser = Browser(provider, local_url(kind, tmp_path))
    await browser.app.create()
    for number in range(1, 6):
        mine = await browser.begin()
        kept = dict(browser.cookies)
        answers = await asyncio.gather(*(browser.end(mine) for _ in range(6)))
        assert sorted(answer.status for answer in answers) == [303, 401, 401, 401, 401, 401]
        browser.cookies = kept
        assert (await browser.end(mine)).status == 401
        assert await browser.sessions() == number
    await browser.app.close()


async def test_a_code_is_replayed_in_vain(browser: Browser) -> None:
    mine = await browser.begin()
    assert (await browser.end(mine)).status == 303
    again = await browser.begin()
    assert (await browser.end(again | {"code": mine["code"]})).status == 401
    assert await browser.sessions() == 1


async def test_answers_of_others_and_refusals_are_not_taken(browser: Browser) -> None:
    for fault in ("mixed up", "no iss"):
        browser.provider.faults = {fault}
        assert (await browser.go()).status == 401
    browser.provider.faults = set()
    for change in ({"error": "access_denied"}, {"code": ""}, {"code": "x" * 3_000}):
        answer = await browser.begin()
        assert (await browser.end(answer | change)).status == 401
    answer = await browser.begin()
    twice = f"{urlencode(answer)}&{urlencode(answer)}"
    assert (await browser.get(f"/auth/oidc/callback?{twice}")).status == 401
    assert (await browser.get("/auth/oidc/callback")).status == 401
    assert await browser.sessions() == 0


async def test_a_login_takes_ten_minutes_at_most(browser: Browser) -> None:
    mine = await browser.begin()
    browser.clock.ahead += 601
    assert (await browser.end(mine)).status == 401
    await browser.begin()
    async with browser.app.session() as session:
        assert await session.count(OidcRequest.where()) == 1


@pytest.mark.parametrize("fault", ["hanging", "failing", "redirecting", "html", "huge", "bomb"])
async def test_a_provider_that_is_out_of_order_lets_nobody_in(fault: str, provider: IdentityProvider) -> None:
    browser = Browser(provider, timeout=0.15 if fault == "hanging" else 5.0)
    provider.faults.add(f"{fault} discovery")
    answer = await browser.get("/auth/oidc/login")
    assert answer.status in (503, 401)
    for part in ("keys", "token"):
        provider.faults = set()
        browser.clock.ahead += 10
        mine = await browser.begin()
        provider.faults.add(f"{fault} {part}")
        assert (await browser.end(mine)).status in (503, 401)
        assert await browser.sessions() == 0
    await browser.app.close()


async def test_a_provider_that_fails_is_not_asked_by_every_visitor(browser: Browser) -> None:
    browser.provider.faults.add("failing discovery")
    for _ in range(5):
        assert (await browser.get("/auth/oidc/login")).status == 503
    assert browser.provider.asked["discovery"] == 1
    browser.provider.faults.clear()
    browser.clock.ahead += 6
    assert (await browser.go()).status == 303


@pytest.mark.parametrize("fault", ["another discovery", "plain PKCE", "unsafe endpoint"])
async def test_a_document_that_cannot_be_right_is_not_believed(fault: str, browser: Browser) -> None:
    browser.provider.faults.add(fault)
    assert (await browser.get("/auth/oidc/login")).status == 503


async def test_keys_are_renewed_but_not_without_end(browser: Browser) -> None:
    assert (await browser.go()).status == 303
    browser.provider.key = 1  # rotated
    assert (await browser.go()).status == 401  # within a minute of the last look
    browser.clock.ahead += 61
    assert (await browser.go()).status == 303
    asked = browser.provider.asked["keys"]
    browser.provider.faults.add("unknown kid")
    for _ in range(4):
        assert (await browser.go()).status == 401
    assert browser.provider.asked["keys"] == asked
    browser.clock.ahead += 61
    for _ in range(4):
        assert (await browser.go()).status == 401
    assert (browser.provider.asked["keys"], browser.provider.asked["discovery"]) == (asked + 1, 1)
    browser.provider.faults.clear()
    browser.provider.key = 0
    browser.clock.ahead += 61
    assert (await browser.go()).status == 303
    browser.provider.key = 1  # withdrawn: the other key is not published any more
    browser.clock.ahead += 3_601
    assert (await browser.go()).status == 303


_ELSEWHERE = [
    "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/%2e%2e/x", "/a/../../x",
    "\\\\evil.example", "/ x", "/\tx", "https:evil.example", "https://office.example@evil.example/", "", "notes",
    "/%2f/evil.example", "/%5cevil.example", "/x\u00e9", "/" + "x" * 2_001, "https://shop.example.evil.example/app",
    "https://shop.example/application", "http://shop.example/app", "https://shop.example:8443/app", "/%252e%252e/x",
]  # fmt: skip


async def test_a_login_leads_nowhere_else(provider: IdentityProvider) -> None:
    browser = Browser(provider, targets=["/", "https://shop.example/app"])
    led = list[str]()
    for target in _ELSEWHERE:
        answer = await browser.get(f"/auth/oidc/login?{urlencode({'target': target})}")
        if answer.status != 422 or "location" in answer.headers:
            led.append(target)
    assert led == []
    assert (await browser.get("/auth/oidc/login?targets=/x")).status == 422
    answer = await browser.go(f"?{urlencode({'target': 'https://shop.example/app/a?b=1'})}")
    assert answer.headers["location"] == "https://shop.example/app/a?b=1"
    await browser.app.close()


async def test_subjects_without_an_account_are_refused_until_they_are_linked(provider: IdentityProvider) -> None:
    browser = Browser(provider, adds_accounts=False)
    await browser.users.add("ann", "correct horse battery", roles=["editor"])
    assert (await browser.go()).status == 401
    with pytest.raises(NotFound):
        await browser.login.link("eve", "248289761001")
    await browser.login.link("ann", "248289761001")
    with pytest.raises(CommitAborted):
        await browser.login.link("ann", "248289761001")
    assert (await browser.go()).status == 303
    told = (await browser.get("/auth/oidc/session")).json()
    assert told["user"]["roles"] == ["editor"]
    async with browser.app.session() as session:
        (await session.one(Account.where())).is_active = False
    assert (await browser.go()).status == 401
    async with browser.app.session() as session:
        account = await session.one(Account.where())
        session.remove(account)
    assert (await browser.go()).status == 401
    await browser.app.close()


async def test_a_new_subject_does_not_take_over_the_account_of_a_name(browser: Browser) -> None:
    await browser.users.add("ann", "correct horse battery", roles=["admin"])
    assert (await browser.go()).status == 401
    async with browser.app.session() as session:
        assert await session.count(OidcIdentity.where()) == 0


async def test_claims_become_roles_and_attributes_with_each_login(provider: IdentityProvider) -> None:
    names = {"staff": "editor", "bosses": "admin"}
    claims = ClaimMap(login="email", roles="realm.groups", role_names=names, attributes={"tenant": "org.id"})
    browser = Browser(provider, claims=claims)
    provider.claims |= {"email": "Ann@x.example", "realm": {"groups": ["staff", "admin", 7]}, "org": {"id": "north"}}
    assert (await browser.go()).status == 401  # the email is not verified
    provider.claims["email_verified"] = "true"
    assert (await browser.go()).status == 401
    provider.claims["email_verified"] = True
    assert (await browser.go()).status == 303
    account = await browser.users.find("ann@x.example")
    assert (account.roles, account.attributes, account.password) == (["editor"], {"tenant": "north"}, "")
    epoch = account.epoch
    provider.claims |= {"email": "other@x.example", "realm": {}, "org": None}
    browser.clock.ahead += 5
    assert (await browser.go()).status == 303
    account = await browser.users.find("ann@x.example")  # a subject keeps its account, whatever its name becomes
    assert (account.roles, account.attributes) == ([], {})
    assert account.epoch > epoch
    for login in ("", "x" * 201, 7, None, "a\nb"):
        provider.claims |= {"email": login, "sub": "another"}
        assert (await browser.go()).status == 401
    await browser.app.close()


async def test_userinfo_adds_claims_of_the_same_subject(provider: IdentityProvider) -> None:
    browser = Browser(provider, userinfo=True, claims=ClaimMap(roles="groups", role_names={"staff": "editor"}))
    provider.faults.add("another userinfo")
    assert (await browser.go()).status == 401
    for fault in ("failing userinfo", "huge userinfo"):
        provider.faults = {fault}
        assert (await browser.go()).status == 503
    provider.faults = set()
    assert (await browser.go()).status == 303
    assert (await browser.users.find("ann")).roles == ["editor"]
    await browser.app.close()


async def test_a_logout_ends_the_session_here_and_there(provider: IdentityProvider) -> None:
    browser = Browser(provider, after_logout="https://office.example/bye")
    await browser.go()
    csrf = (await browser.get("/auth/oidc/session")).json()["csrf"]
    cookie = f"__Host-session={browser.cookies['__Host-session']}"
    assert (await browser.client.post("/auth/oidc/logout", None, cookie=cookie)).status == 401
    answer = await browser.client.post("/auth/oidc/logout", None, cookie=cookie, x_csrf_token=csrf)
    url = urlsplit(answer.json()["url"])
    given = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{provider.issuer}/logout"
    assert given["post_logout_redirect_uri"] == ["https://office.example/bye"]
    assert given["id_token_hint"][0].count(".") == 2
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await browser.get("/notes")).status == 401
    async with browser.app.session() as session:
        assert await session.count(OidcSession.where()) == 0
    await browser.app.close()
    plain = Browser(provider)
    await plain.go()
    csrf = (await plain.get("/auth/oidc/session")).json()["csrf"]
    cookie = f"__Host-session={plain.cookies['__Host-session']}"
    answer = await plain.client.post("/auth/oidc/logout", None, cookie=cookie, x_csrf_token=csrf)
    assert (answer.status, answer.json()) == (200, {"url": None})
    async with plain.app.session() as session:
        assert await session.count(OidcSession.where()) == 0
    await plain.app.close()


async def test_no_secret_is_logged_shown_or_kept(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser.provider.faults.add("another nonce")
    mine = await browser.begin()
    token = browser.cookies["__Host-oidc"]
    async with browser.app.session() as session:
        kept = (await session.one(OidcRequest.where())).to_json()
    answer = await browser.end(mine)
    told = f"{caplog.text} {answer.body!r} {answer.headers} {browser.asked!r} {browser.login!r}"
    assert "login by http://127.0.0.1" in caplog.text
    assert "nonce" in caplog.text
    for secret in (browser.provider.client_secret, mine["code"], mine["state"], token, "248289761001"):
        assert secret not in told
        assert secret not in str(kept)


async def test_what_is_kept_of_providers_is_closed_to_users(browser: Browser) -> None:
    await browser.go()
    for name in ("oidc_identities", "oidc_requests", "oidc_sessions"):
        assert (await browser.get(f"/{name}")).status == 404


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda u: OidcProvider("http://id.example", "office"), "issuer= is an absolute URL"),
        (lambda u: OidcProvider("https://id.example?x=1", "office"), "without a query"),
        (lambda u: OidcProvider("https://u:p@id.example", "office"), "without user"),
        (lambda u: OidcProvider("https://id.example", "office", algorithms=["RS256", "HS256"]), "public keys"),
        (lambda u: OidcProvider("https://id.example", "office", algorithms=["none"]), "public keys"),
        (lambda u: OidcProvider("https://id.example", "office", algorithms=[]), "public keys"),
        (lambda u: OidcProvider("https://id.example", "office", leeway=301), "0 to 300"),
        (lambda u: OidcProvider("https://id.example", "office", client_auth="none", client_secret="x"), "client_auth="),
        (lambda u: OidcProvider("https://id.example", "office", client_auth="tls"), "client_auth="),
        (lambda u: ClaimMap(roles="groups"), "need both"),
        (lambda u: ClaimMap(role_names={"a": "b"}), "need both"),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri="/callback"), "redirect_uri="),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, after_logout="bye"), "after_logout="),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, scopes=["email"]), "openid"),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, scopes="openid"), "openid"),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, targets=[]), "targets="),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, targets="/"), "targets="),
        (lambda u: OidcLogin(u, _PROVIDER, redirect_uri=HERE, targets=["//x"]), "not '//x'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_start(make: Any, told: str) -> None:
    app = Holdall("office")
    app.add_store("main", "memory:")
    with pytest.raises(DeclarationError, match=told):
        make(Users(app, store="main"))


async def test_a_check_that_is_left_out_is_found(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IdTokens, "_validated", lambda *_: None)
    for fault in ("another nonce", "another issuer", "another audience", "expired"):
        browser.provider.faults = {fault}
        assert (await browser.go()).status == 303
