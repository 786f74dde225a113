"""Webhooks against a receiver that checks them with the package of Standard Webhooks, fails, redirects and hangs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import standardwebhooks
from aiohttp import web

from holdall import Holdall
from holdall.errors import DeclarationError
from holdall.events.webhooks import Signature, Webhook, WebhookFailed
from holdall.events.webhooks.address import is_public
from tests.support.event_library import Author, Book, Pin

pytestmark = pytest.mark.anyio

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLzSw"
FORMER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Receiver:
    """Takes webhooks; ``answers`` are the statuses of the next ones, then 204."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 204
        if status == 0:
            await asyncio.Event().wait()
        self.taken.append((dict(request.headers), body))
        return web.Response(status=status, headers={"location": f"{self.url}/elsewhere"} if status == 302 else {})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found, service = Receiver(), web.Application()
    service.router.add_post("/hooks", found.take)
    runner = web.AppRunner(service, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    await runner.cleanup()


def add(app: Holdall, receiver: Receiver, **options: Any) -> None:
    given: dict[str, Any] = {"name": "shop", "secret": SECRET, "allow_http": True, "allow_private": True}
    given |= {"backoff": 0.001, **options}
    app.add_webhook(f"{receiver.url}/hooks", Book.created, Book.changed("status", "pin"), **given)


async def test_a_receiver_can_check_and_read_what_is_sent(local: Holdall, receiver: Receiver) -> None:
    add(local, receiver, secret=[SECRET, FORMER], headers={"X-Tenant": "a"})
    async with local.session() as session:
        book = session.add(Book(title="Emma", pin=Pin("one-two")))
        await session.commit()
        book.status, book.pin = "out", Pin("three-four")
    assert (await local.outbox.deliver()).delivered == 2
    for headers, body in receiver.taken:
        for secret in (SECRET, FORMER):
            standardwebhooks.Webhook(secret).verify(body, headers)
        assert (headers["Content-Type"], headers["X-Tenant"]) == ("application/cloudevents+json; charset=utf-8", "a")
        assert b"one-two" not in body
        assert b"three-four" not in body
    created, changed = (json.loads(body) for _, body in receiver.taken)
    assert (created["specversion"], created["type"], created["source"]) == ("1.0", "book.created", "/library")
    assert (changed["subject"], changed["type"]) == (str(book.id), "book.changed")
    assert changed["data"] == {
        "key": book.id, "fields": ["status", "pin"], "old": {"status": "draft"}, "new": {"status": "out"}
    }  # fmt: skip
    assert receiver.taken[0][0]["webhook-id"] == created["id"] != changed["id"]


async def test_only_named_fields_are_sent(local: Holdall, receiver: Receiver) -> None:
    add(local, receiver, fields=["title"], source="https://library.example/")
    async with local.session() as session:
        session.add(Book(title="Emma", notes=3))
    await local.outbox.deliver()
    ((_, body),) = receiver.taken
    document = json.loads(body)
    assert (document["data"]["fields"], document["data"]["new"]) == (["title"], {"title": "Emma"})
    assert document["source"] == "https://library.example/"


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_what_is_not_taken_is_sent_again_under_the_same_id(
    local: Holdall, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    add(local, receiver)
    receiver.answers = [status]
    async with local.session() as session:
        session.add(Book(title="Emma"))
    with caplog.at_level(logging.DEBUG):
        assert (await local.outbox.deliver()).failed == 1
        (entry,) = [entry async for entry in local.outbox.entries()]
        await local.outbox.retry(entry.id)
        assert (await local.outbox.deliver()).delivered == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert f"status {status}" in entry.error
    secrets = [SECRET, SECRET.removeprefix("whsec_"), "/hooks", *[h["webhook-signature"] for h, _ in receiver.taken]]
    assert not [secret for secret in secrets if secret in caplog.text + entry.error]


async def test_a_receiver_that_hangs_or_is_away_is_tried_again(local: Holdall, receiver: Receiver) -> None:
    add(local, receiver, timeout=0.05, attempts=2)
    receiver.answers = [0]
    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert (await local.outbox.deliver()).failed == 1
    (entry,) = [entry async for entry in local.outbox.entries()]
    assert "took longer" in entry.error
    gone = Webhook("http://127.0.0.1:9/x?token=1", SECRET, source="/", allow_http=True, allow_private=True)
    event: Any = None

    @local.after(Author.created, name="one")
    async def take(given: Any) -> None:
        nonlocal event
        event = given

    async with local.session() as session:
        session.add(Author(name="Jane"))
    await local.outbox.deliver()
    with pytest.raises(WebhookFailed, match=r"^http://127\.0\.0\.1:9 cannot be reached: \w+$"):
        await gone(event)
    await gone.close()
    hidden = Webhook("https://localhost.example.invalid/x", SECRET, source="/")
    with pytest.raises(WebhookFailed, match="cannot be reached"):
        await hidden(event)
    await hidden.close()


async def test_names_that_lead_into_a_private_network_are_not_asked(
    local: Holdall, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(self: Any, host: str, port: int = 0, family: Any = None) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": address, "port": port, "family": 2, "proto": 6, "flags": 0}
            for address in ("93.184.216.34", "127.0.0.1")
        ]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    port = receiver.url.rpartition(":")[2]
    local.add_webhook(
        f"http://rebinding.example:{port}/hooks", Book.created, name="shop", secret=SECRET, allow_http=True
    )
    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert (await local.outbox.deliver()).failed == 1
    (entry,) = [entry async for entry in local.outbox.entries()]
    assert "its name leads into a private network" in entry.error
    assert receiver.taken == []


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "https://",
        "https:///x",
        "https://user:pass@shop.example/",
        "https://shop.example/#x",
        "https://shop.example:99999/",
        "https://[::1",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://a.localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://localhost./",
        "https://shop .example/",
        "https://shop.example/\r\nHost: other",
        7,
    ],
)
def test_urls_that_no_webhook_is_sent_to(url: Any) -> None:
    with pytest.raises(DeclarationError):
        Webhook(url, SECRET, source="/")


@pytest.mark.parametrize("secret", ["", "x", "whsec_", "whsec_AAAA", "whsec_" + "A" * 100, "whsec_!", SECRET[6:], 7])
def test_secrets_that_are_none(secret: Any) -> None:
    with pytest.raises(DeclarationError) as caught:
        Signature(secret)
    assert not secret or secret in ("x",) or str(secret) not in str(caught.value).replace("whsec_ and", "")
    with pytest.raises(DeclarationError):
        Signature()


async def test_other_options_are_refused(local: Holdall) -> None:
    wrong: list[dict[str, Any]] = [
        {"field": ["title"]},
        {"fields": ["titel"]},
        {"headers": {"Webhook-Id": "1"}},
        {"headers": {"a": "b\r\nc: d"}},
        {"headers": {"a b": "c"}},
        {"name": ""},
    ]
    for options in wrong:
        with pytest.raises(DeclarationError):
            local.add_webhook("https://shop.example/", Book.created, **({"name": "shop", "secret": SECRET} | options))


@pytest.mark.parametrize(
    "address, expected",
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2000::5efe:10.0.0.1", False),
        ("2000::200:5efe:8.8.8.8", True),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(address) is expected
