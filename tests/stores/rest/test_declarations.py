"""What is refused before anything is sent: declarations that cannot work."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdall.errors import (
    DeclarationError,
    Unsupported,
)
from holdall.query import Compare, Op, Query, Schema
from holdall.store import CommitClass
from holdall.stores.rest import (
    ApiKey,
    Basic,
    Bearer,
    BodyVersion,
    Call,
    Rate,
    RestCollection,
    open_rest,
)
from tests.support.rest_customers import (
    CUSTOMER,
    DECLARED,
    NUMBERED,
    VERSIONED,
)

_ONE = Query[object]("customer", Compare(("id",), Op.EQ, 1))


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://api.example.com"},
        {"url": "https://"},
        {"url": "https://user:secret@api.example.com"},
        {"url": "https://api.example.com/?a=b"},
        {"commit": "tx"},
        {"connections": 0},
        {"rate": Rate(0)},
        {"auth": Basic("a:b", "c")},
        {"auth": Bearer("a\r\nX: y")},
        {"auth": ApiKey("secret", name="a b")},
        {"auth": ApiKey("secret\0")},
        {"headers": {"X-Team": "secret\nX: y"}},
        {"headers": {"X-Team": 7}},
        {"headers": {"": "secret"}},
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
        {"list": Call(headers={"X-Team": "secret\n"})},
        {"add": Call(idempotency_key="a b")},
        {"version": BodyVersion(header="a:")},
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
