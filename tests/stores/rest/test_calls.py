"""What is sent: credentials, versions, tags, keys, paths and payloads; and how often, how fast and to whom."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from holdall.errors import (
    CorruptRecord,
    DeclarationError,
    StaleVersion,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema
from holdall.store import APPLIED, Change, CommitClass, Outcome, Verb
from holdall.stores.rest import (
    ApiKey,
    Basic,
    Bearer,
    BodyVersion,
    Call,
    Custom,
    ETags,
    Rate,
    RestCollection,
    RestStore,
    Retries,
    Timeouts,
    open_rest,
)
from holdall.testing.fault_server import FaultServer, Reply, Request
from tests.stores.rest.api import Api, Shape
from tests.stores.rest.customers import (
    CUSTOMER,
    DECLARED,
    NUMBERED,
    VERSIONED,
    add,
    customer,
    opened,
    remove,
    served,
    update,
)

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


# --- credentials ------------------------------------------------------------------------------------------------------


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
def test_credentials_go_with_every_call_and_into_no_message(auth: Any, header: str, value: str) -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        await store.fetch(_ONE)
        await store.apply([update()])
        assert [request.headers[header] for request in server.requests] == [value] * 2

    served(work, Reply.json(customer()), auth=auth)
    assert "***" in repr(auth)
    assert not any(secret in repr(auth) for secret in ("lovelace", "t0ken", "k3y"))


def test_a_key_may_be_a_parameter() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        await store.fetch(_ONE)
        assert server.requests[0].path == "/customers/1?key=a%26b"

    served(work, Reply.json(customer()), auth=ApiKey("a&b", "key", "query"))


def test_a_function_is_asked_again_once_for_all_calls_that_were_refused() -> None:
    asked: list[int] = []

    async def sign() -> dict[str, str]:
        asked.append(len(asked))
        await asyncio.sleep(0.01)
        return {"Authorization": f"Bearer {len(asked)}"}

    def check(request: Request) -> Reply:
        is_fresh = request.headers["authorization"] == "Bearer 2"
        return Reply.json(customer()) if is_fresh else Reply(status=401)

    async def work(store: RestStore, server: FaultServer) -> None:
        assert await asyncio.gather(*(store.apply([update()]) for _ in range(5))) == [[APPLIED]] * 5
        assert len(asked) == 2
        assert len(server.requests) == 10

    served(work, otherwise=check, auth=Custom(sign))


def test_credentials_that_are_refused_again_are_an_error() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        with pytest.raises(StoreError, match="401"):
            await store.fetch(_ONE)

    served(work, otherwise=lambda request: Reply(status=401), auth=Custom(lambda: {"A": "b"}))
    served(work, otherwise=lambda request: Reply(status=401), auth=Bearer("x"))


def test_a_function_that_fails_is_told_by_its_error_alone() -> None:
    def sign() -> dict[str, str]:
        raise OSError("secret")

    async def work(store: RestStore, server: FaultServer) -> None:
        with pytest.raises(StoreError, match="OSError") as caught:
            await store.fetch(_ONE)
        assert "secret" not in str(caught.value)
        assert not server.requests

    served(work, auth=Custom(sign))


# --- TLS --------------------------------------------------------------------------------------------------------------


def test_a_certificate_is_verified_always(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(Reply.json(customer()).head + Reply.json(customer()).body)
        await reader.read()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        trusting, wary = opened(url, ca=tmp_path / "ca.pem"), opened(url)
        assert await trusting.fetch(_ONE) == [(1, "one", None)]
        with pytest.raises(StoreError, match="certificate"):
            await wary.fetch(_ONE)
        await trusting.close()
        await wary.close()
        server.close()

    asyncio.run(run())


def test_a_context_that_does_not_verify_is_refused() -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    for ca in (lax, "no/such/file.pem"):
        with pytest.raises(DeclarationError):
            open_rest("crm", "https://api.example.com", ca=ca)


# --- adding -----------------------------------------------------------------------------------------------------------


def test_a_key_made_there_comes_from_the_body_or_from_location() -> None:
    declared = _with(keys="server", item_at="data")

    async def work(store: RestStore, server: FaultServer) -> None:
        server.script(
            Reply.json({"data": {"id": 7}}, 201),
            Reply(status=201, body=b"", media_type="", headers={"Location": "/v1/customers/8"}),
            Reply.json({"data": {}}, 201, Location="https://api.example.com/customers/9"),
            Reply(status=201, body=b"", media_type=""),
        )
        for key in (7, 8, 9):
            assert await store.apply([add(None)]) == [Outcome(key=key)]
        with pytest.raises(StoreUnavailable, match="key") as caught:
            await store.apply([add(None)])
        assert caught.value.is_outcome_unknown
        assert msgspec.json.decode(server.requests[0].body) == {"name": "one"}

    served(work, schema=NUMBERED, declared=declared)


def test_a_key_of_ours_goes_by_post_or_by_put() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        await store.apply([add(5)])
        assert [(request.method, request.path) for request in server.requests] == [("POST", "/customers")]

    async def put(store: RestStore, server: FaultServer) -> None:
        await store.apply([add(5)])
        (request,) = server.requests
        assert (request.method, request.path, request.headers["if-none-match"]) == ("PUT", "/customers/5", "*")

    served(work, Reply(status=201, body=b"", media_type=""))
    served(put, Reply(status=204, body=b"", media_type=""), declared=_with(add=Call(method="PUT")))


def test_an_idempotency_key_is_the_changes_own_and_the_same_each_time() -> None:
    declared = _with(add=Call(idempotency_key="Idempotency-Key"))

    async def work(store: RestStore, server: FaultServer) -> None:
        assert await store.apply([add(token="abc")]) == [APPLIED]
        assert await store.apply([add(2)]) == [APPLIED]
        tokens = [request.headers["idempotency-key"] for request in server.requests]
        assert tokens[:2] == ["abc", "abc"]
        assert len(tokens[2]) == 36

    served(work, Reply(status=503), declared=declared)


def test_a_payload_has_the_apis_own_names_and_shape() -> None:
    declared = _with(
        path="/orgs/{org}/customers/{id}",
        list_path="/orgs/{org}/customers",
        names={"name": "profile.full_name"},
        wrap="customer",
        read_only=frozenset({"born"}),
        add=Call(
            parameters={"org": "a/c"},
            query={"notify": "no"},
            headers={"X-Via": "us"},
            payload=lambda body: body | {"kind": "person"},
        ),
        get=None,
        list=None,
        update=None,
        remove=None,
    )

    async def work(store: RestStore, server: FaultServer) -> None:
        change = Change(Verb.ADD, "customer", 1, ("id", "name", "born"), (1, "one", None))
        await store.apply([change])
        (request,) = server.requests
        assert request.path == "/orgs/a%2Fc/customers?notify=no"
        assert request.headers["x-via"] == "us"
        assert msgspec.json.decode(request.body) == {
            "customer": {"id": 1, "profile": {"full_name": "one"}, "kind": "person"}
        }
        for unsupported in (update(), remove()):
            with pytest.raises(Unsupported):
                await store.apply([unsupported])
        with pytest.raises(Unsupported):
            await store.fetch(Query("customer"))

    served(work, declared=declared)


def test_a_large_body_goes_whole() -> None:
    schema = Schema("customer", (FieldSchema("id", Kind.INT), FieldSchema("name", Kind.STR)), ("id",))

    async def work(store: RestStore, server: FaultServer) -> None:
        await store.apply([add(name="x" * 2**21)])
        assert msgspec.json.decode(server.requests[0].body)["name"] == "x" * 2**21

    served(work, schema=schema)


@pytest.mark.parametrize("key", [".", "..", "", "a/b", "a?b#c", "é %2F"])
def test_a_key_cannot_leave_its_place_in_the_path(key: str) -> None:
    schema = Schema("customer", (FieldSchema("id", Kind.STR), FieldSchema("name", Kind.STR)), ("id",))

    async def work(store: RestStore, server: FaultServer) -> None:
        if key in (".", ".."):
            with pytest.raises(StoreError, match="path"):
                await store.apply([Change(Verb.REMOVE, "customer", key)])
            return
        await store.apply([Change(Verb.REMOVE, "customer", key)])
        assert server.requests[0].path.count("/") == 2
        assert "?" not in server.requests[0].path

    served(work, schema=schema)


# --- versions ---------------------------------------------------------------------------------------------------------


def test_a_version_in_the_body_is_asked_for_in_a_header_or_a_parameter() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        await store.apply([update(version=3)])
        await store.apply([remove(version=4)])
        first, second = server.requests
        assert (first.headers["if-match"], msgspec.json.decode(first.body)) == ('"3"', {"name": "new"})
        assert second.headers["if-match"] == '"4"'

    async def other(store: RestStore, server: FaultServer) -> None:
        await store.apply([update(version=3)])
        (request,) = server.requests
        assert request.path == "/customers/1?expect=3"
        assert msgspec.json.decode(request.body) == {"name": "new", "version": 4}

    served(work, schema=VERSIONED, declared=_with(version=BodyVersion()))
    declared = _with(version=BodyVersion(header="", query="expect", is_sent=True))
    served(other, schema=VERSIONED, declared=declared)


class _Tagged:
    """An API with a single customer that has a tag and no version."""

    def __init__(self, *, tells: bool = True) -> None:
        self.name, self.count, self.tells = "one", 0, tells

    def __call__(self, request: Request) -> Reply:
        tag = f'"t{self.count}"'
        expected = request.headers.get("if-match")
        if expected not in (None, tag):
            return Reply(status=412)
        if request.method in ("PATCH", "PUT"):
            self.name, self.count = msgspec.json.decode(request.body)["name"], self.count + 1
            if not self.tells:
                return Reply(status=204, body=b"", media_type="")
        return Reply.json(customer(name=self.name), ETag=f'"t{self.count}"')


def _versioned(update_by: str = "PATCH") -> dict[str, Any]:
    declared = _with(version=ETags(), update=Call(method=update_by))
    return {"schema": VERSIONED, "declared": declared}


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_tag_that_was_read_guards_the_next_write(method: str) -> None:
    api = _Tagged()

    async def work(store: RestStore, server: FaultServer) -> None:
        ((_, _, version),) = await store.fetch(_ONE)
        assert await store.apply([update(name="second", version=version)]) == [APPLIED]
        assert await store.apply([update(name="third", version=version + 1)]) == [APPLIED]
        for stale in (version, version + 1, 12345):
            with pytest.raises(StaleVersion):
                await store.apply([update(name="late", version=stale)])
        assert api.name == "third"

    served(work, otherwise=api, **_versioned(method))


def test_a_record_whose_tag_is_not_known_is_read_before_it_is_written() -> None:
    api = _Tagged()

    async def work(store: RestStore, server: FaultServer) -> None:
        other = opened(server.url, VERSIONED, _with(version=ETags()))
        ((_, _, version),) = await other.fetch(_ONE)
        await other.close()
        assert await store.apply([update(name="second", version=version)]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "GET", "PATCH"]
        assert server.requests[-1].headers["if-match"] == '"t0"'

    served(work, otherwise=api, **_versioned())


def test_an_api_that_tells_no_tag_after_a_write_makes_the_next_one_stale() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        ((_, _, version),) = await store.fetch(_ONE)
        await store.apply([update(name="second", version=version)])
        with pytest.raises(StaleVersion):
            await store.apply([update(name="third", version=version + 1)])
        ((_, _, fresh),) = await store.fetch(_ONE)
        assert await store.apply([remove(version=fresh)]) == [APPLIED]

    served(work, otherwise=_Tagged(tells=False), **_versioned())


def test_a_whole_record_is_put_back_with_what_we_do_not_know_of() -> None:
    answers = [
        Reply.json({"data": customer(born=None, extra={"kept": [1]})}, ETag='"1"'),
        Reply(status=412),
        Reply.json({"data": customer(born=None, extra={"kept": [2]})}, ETag='"2"'),
        Reply(status=204, body=b"", media_type=""),
    ]

    async def work(store: RestStore, server: FaultServer) -> None:
        assert await store.apply([update(name="new")]) == [APPLIED]
        assert [request.method for request in server.requests] == ["GET", "PUT", "GET", "PUT"]
        last = server.requests[-1]
        assert last.headers["if-match"] == '"2"'
        assert msgspec.json.decode(last.body) == customer(name="new", born=None, extra={"kept": [2]})
        server.script(Reply(status=404))
        with pytest.raises(StaleVersion):
            await store.apply([update()])

    served(work, *answers, declared=_with(update=Call(method="PUT"), item_at="data"))


# --- how often, how fast, to whom -------------------------------------------------------------------------------------


def test_an_update_that_expects_a_version_is_not_sent_again_without_a_key() -> None:
    declared = _with(version=BodyVersion(), update=Call(is_repeatable=True))

    async def work(store: RestStore, server: FaultServer) -> None:
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply([update(version=1)])
        assert caught.value.is_outcome_unknown
        assert len(server.requests) == 1

    served(work, Reply(status=502), schema=VERSIONED, declared=declared)


def test_retry_after_is_honoured_within_the_time_of_the_call() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        began = time.monotonic()
        await store.fetch(_ONE)
        assert time.monotonic() - began >= 1.0
        server.script(Reply(status=429, headers={"Retry-After": "Sat, 21 Nov 2099 06:00:00 GMT"}))
        with pytest.raises(StoreUnavailable, match="429"):
            await store.fetch(_ONE)
        assert len(server.requests) == 3

    served(work, Reply(status=503, headers={"Retry-After": "1"}), Reply.json(customer()), timeouts=Timeouts(total=5.0))


def test_the_wait_before_a_retry_grows_and_ends() -> None:
    retries = Retries(most=3, first_wait=1.0, most_wait=3.0, most_asked=10.0)
    for retry, longest in ((1, 1.0), (2, 2.0), (3, 3.0)):
        wait = retries.wait(retry, None)
        assert wait is not None
        assert longest / 2 <= wait <= longest
    assert retries.wait(4, None) is None
    assert (retries.wait(1, 10.0), retries.wait(1, 11.0)) == (10.0, None)


def test_calls_keep_to_the_declared_rate_and_number() -> None:
    open_now: list[int] = []

    async def work(store: RestStore, server: FaultServer) -> None:
        def watch(request: Request) -> Reply:
            open_now.append(server.connections)
            return Reply.json(customer())

        server.otherwise = watch
        began = time.monotonic()
        await asyncio.gather(*(store.fetch(_ONE) for _ in range(30)))
        assert time.monotonic() - began >= 0.19  # ten at once, the other twenty at a hundred a second
        assert max(open_now) <= 3
        assert store.capabilities.limits.concurrent_changes == 3

    served(work, rate=Rate(10, 0.1), max_connections=3)


def test_redirects_are_followed_on_the_same_host_alone() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        assert await store.fetch(_ONE) == [(1, "one", None)]
        assert [request.path for request in server.requests] == ["/customers/1", "/moved/1"]
        server.script(Reply(status=308, headers={"Location": server.url + "/there"}))
        assert await store.apply([update()]) == [APPLIED]
        assert [request.method for request in server.requests[2:]] == ["PATCH", "PATCH"]

    served(work, Reply(status=301, headers={"Location": "/moved/1"}), Reply.json(customer()))


def test_a_store_may_be_used_on_one_loop_after_the_other() -> None:
    async def once(store: RestStore, number: int) -> None:
        await store.apply([add(number)])
        assert len(await store.fetch(Query("customer"))) == number
        await store.close()

    with Api([CUSTOMER], {"customer": Shape("none")}) as api:
        declared = RestCollection(path="/customer/{id}", list_at="data")
        store = opened(api.url, declared=declared)
        for number in (1, 2):
            asyncio.run(once(store, number))


def test_the_total_time_bounds_all_retries_together() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        began = time.monotonic()
        with pytest.raises(StoreTimeout):
            await store.fetch(_ONE)
        assert time.monotonic() - began < 1.5

    served(work, otherwise=lambda request: Reply(delay=60), retries=Retries(most=50, first_wait=0.01))


# --- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://api.example.com"},
        {"url": "https://"},
        {"url": "https://user:secret@api.example.com"},
        {"url": "https://api.example.com/?a=b"},
        {"commit": "tx"},
        {"max_connections": 0},
        {"rate": Rate(0)},
        {"auth": Basic("a:b", "c")},
        {"auth": Bearer("a\r\nX: y")},
        {"auth": "token"},
        {"collections": {"customer": "/customers"}},
    ],
)
def test_what_cannot_work_is_refused_when_the_store_is_added(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError) as caught:
        open_rest("crm", **{"url": "https://api.example.com", **options})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "customers"},
        {"path": "/customers/{id}?x"},
        {"path": "/orgs/{org}/customers/{id}"},
        {"names": {"nobody": "x"}},
        {"names": {"name": "x", "born": "x"}},
        {"names": {"name": "x", "born": "x.y"}},
        {"add": Call(method="GET")},
        {"get": Call(parameters={"id": ".."})},
        {"unwrap": dict, "list_at": "data"},
    ],
)
def test_a_collection_that_cannot_work_is_refused_when_it_is_bound(changes: dict[str, Any]) -> None:
    store = open_rest("crm", "https://api.example.com", collections={"customer": _with(**changes)})
    with pytest.raises(DeclarationError):
        store.bind([CUSTOMER])


def test_idemp_is_only_what_may_be_repeated() -> None:
    repeatable = _with(add=Call(method="PUT"), update=Call(is_repeatable=True))
    store = open_rest("crm", "https://api.example.com", collections={"customer": repeatable}, commit="idemp")
    assert store.capabilities.commit is CommitClass.IDEMP
    for collection in (
        DECLARED,
        _with(add=Call(method="PUT")),
        msgspec.structs.replace(repeatable, version=BodyVersion()),
    ):
        with pytest.raises(DeclarationError, match="idemp"):
            open_rest("crm", "https://api.example.com", collections={"customer": collection}, commit="idemp")


def test_a_model_needs_what_is_declared() -> None:
    store = open_rest("crm", "https://api.example.com", collections={"customer": DECLARED})
    for schema in (NUMBERED, VERSIONED, Schema("unknown", CUSTOMER.fields, ("id",))):
        with pytest.raises(Unsupported):
            store.bind([schema])


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, place",
    [
        (b'{"id": 1}', "customer"),
        (b'{"id": "1", "name": "one"}', "id"),
        (b'{"id": 99999999999999999999, "name": "one"}', "id"),
        (b'{"id": 1, "name": "a name of more than twenty characters"}', "name"),
        (b'{"id": 1, "name": "a\\u0000b"}', "name"),
        (b'{"id": 1, "name": "one", "born": "2020-01-01T00:00:00"}', "born"),
        (b'{"id": 1, "name": "one", "born": "0001-01-01T00:00:00+10:00"}', "born"),
        (b'{"id": 1, "name": NaN}', "customer"),
        (b"[]", "customer"),
        (b'{"id": 2, "name": "two"}', "another key"),
    ],
)
def test_an_answer_is_checked_like_a_users_input(body: bytes, place: str) -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        with pytest.raises(CorruptRecord, match=place) as caught:
            await store.fetch(_ONE)
        assert "a name" not in str(caught.value)

    served(work, Reply(body=body))


def test_unknown_members_are_passed_over_and_times_are_in_utc() -> None:
    async def work(store: RestStore, server: FaultServer) -> None:
        ((_, _, born),) = await store.fetch(_ONE)
        assert born.isoformat() == "2020-01-01T10:00:00+00:00"

    served(work, Reply.json(customer(born="2020-01-01T12:00:00+02:00", more={"x": 1})))
