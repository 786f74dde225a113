"""Who the store says it is, and whom it trusts: credentials, certificates."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from holdall.errors import (
    DeclarationError,
    StoreError,
)
from holdall.query import Compare, Op, Query
from holdall.store import APPLIED
from holdall.stores.rest import (
    ApiKey,
    Basic,
    Bearer,
    Custom,
    open_rest,
)
from holdall.testing.fault_server import Reply, Request
from tests.support.rest_customers import (
    customer,
    opened,
    served,
    update,
)

pytestmark = pytest.mark.anyio

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))


@pytest.mark.parametrize(
    "auth, header, value",
    [
        (Basic("ada", "lovelace"), "authorization", "Basic YWRhOmxvdmVsYWNl"),
        (Bearer("t0ken"), "authorization", "Bearer t0ken"),
        (ApiKey("k3y"), "x-api-key", "k3y"),
        (ApiKey("k3y", "Key"), "key", "k3y"),
        (Custom(lambda: {"Signature": "s"}), "signature", "s"),
    ],
)
async def test_credentials_go_with_every_call_and_into_no_message(auth: Any, header: str, value: str) -> None:
    async with served(Reply.json(customer()), auth=auth) as (store, server):
        await store.fetch(_ONE)
        await store.apply([update()])
        assert [request.headers[header] for request in server.requests] == [value] * 2
    assert "***" in repr(auth)
    assert not any(secret in repr(auth) for secret in ("lovelace", "t0ken", "k3y"))


async def test_a_key_may_be_a_parameter() -> None:
    async with served(Reply.json(customer()), auth=ApiKey("a&b", "key", "query")) as (store, server):
        await store.fetch(_ONE)
        assert server.requests[0].path == "/customers/1?key=a%26b"


async def test_a_function_is_asked_again_once_for_all_calls_that_were_refused() -> None:
    asked: list[int] = []

    async def sign() -> dict[str, str]:
        asked.append(len(asked))
        await asyncio.sleep(0.01)
        return {"Authorization": f"Bearer {len(asked)}"}

    def check(request: Request) -> Reply:
        is_fresh = request.headers["authorization"] == "Bearer 2"
        return Reply.json(customer()) if is_fresh else Reply(status=401)

    async with served(otherwise=check, auth=Custom(sign)) as (store, server):
        assert await asyncio.gather(*(store.apply([update()]) for _ in range(5))) == [[APPLIED]] * 5
        assert len(asked) == 2
        assert len(server.requests) == 10


async def test_credentials_that_are_refused_again_are_an_error() -> None:
    for auth in (Custom(lambda: {"A": "b"}), Bearer("x")):
        async with served(otherwise=lambda request: Reply(status=401), auth=auth) as (store, _):
            with pytest.raises(StoreError, match="401"):
                await store.fetch(_ONE)


async def test_a_function_that_fails_is_told_by_its_error_alone() -> None:
    def sign() -> dict[str, str]:
        raise OSError("secret")

    async with served(auth=Custom(sign)) as (store, server):
        with pytest.raises(StoreError, match="OSError") as caught:
            await store.fetch(_ONE)
        assert "secret" not in str(caught.value)
        assert not server.requests


@pytest.mark.parametrize(
    "headers", [{"X": "secret\r\nY: z"}, {"X": None}, {"a b": "secret"}, {1: "secret"}, ["X"]], ids=str
)
async def test_a_function_that_gives_no_headers_is_told_without_them(headers: Any) -> None:
    async with served(auth=Custom(lambda: headers)) as (store, server):
        for work in (store.fetch(_ONE), store.apply([update()])):
            with pytest.raises(StoreError, match="auth function") as caught:
                await work
            assert "secret" not in str(caught.value)
            assert not getattr(caught.value, "is_outcome_unknown", False)
        assert not server.requests


async def test_a_certificate_is_verified_always(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(Reply.json(customer()).head + Reply.json(customer()).body)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    trusting, wary = opened(url, ca=tmp_path / "ca.pem"), opened(url)
    assert await trusting.fetch(_ONE) == [(1, "one", None)]
    with pytest.raises(StoreError, match="certificate"):
        await wary.fetch(_ONE)
    await trusting.close()
    await wary.close()
    server.close()


def test_a_context_that_does_not_verify_is_refused() -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    for ca in (lax, "no/such/file.pem"):
        with pytest.raises(DeclarationError):
            open_rest("crm", "https://api.example.com", ca=ca)
