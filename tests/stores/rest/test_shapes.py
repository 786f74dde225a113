"""Shapes of public APIs, played small: lists by the last record, links, envelopes, nested resources, a proxy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from holdall.errors import DeclarationError, StoreError, Unsupported, UpstreamError
from holdall.query import And, Compare, FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Verb
from holdall.stores.rest import (
    Call,
    Cursor,
    LastRecord,
    LinkHeader,
    RestCollection,
    RestStore,
    open_rest,
    pages,
)
from holdall.testing.fault_server import FaultServer, Reply, Request

pytestmark = pytest.mark.anyio

_ITEM = Schema("item", (FieldSchema("id", Kind.STR), FieldSchema("name", Kind.STR)), ("id",))
_AUTHOR = FieldSchema("author", Kind.INT)
_BOOK = Schema("book", (_AUTHOR, FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), ("author", "id"))
_IDS = [f"i_{n}" for n in range(1, 6)]


def _asked(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def _opened(url: str, declared: RestCollection, schema: Schema = _ITEM, **options: Any) -> RestStore:
    store = open_rest("api", url, collections={schema.name: declared}, **options)
    store.bind([schema])
    return store


# --- lists ------------------------------------------------------------------------------------------------------------


def _item(key: str) -> dict[str, Any]:
    return {"id": key, "name": f"n {key}"}


def _stripe(request: Request, *, has_more: Callable[[bool], Any] = bool) -> Reply:
    asked = _asked(request)
    start = _IDS.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    end = start + min(2, int(asked["limit"]))
    more = has_more(end < len(_IDS))
    body = {"object": "list", "url": "/v1/items", "data": [_item(key) for key in _IDS[start:end]]}
    return Reply.json(body if more is None else {**body, "has_more": more})


def _since(request: Request) -> Reply:
    after = _asked(request).get("since", "")
    return Reply.json([_item(key) for key in _IDS if key > after][:2])


def _github(request: Request) -> Reply:
    page = int(_asked(request).get("page", 1))
    rows = [_item(key) for key in _IDS[page * 2 - 2 : page * 2]]
    link = f'<{urlsplit(request.path).path}?page={page + 1}&per_page=2>; rel="next", <?page=3>; rel="last"'
    return Reply.json(rows, Link=link) if page < 3 else Reply.json(rows)


def _kubernetes(request: Request) -> Reply:
    start = int(_asked(request).get("continue", 0))
    rows = [{"metadata": {"name": key, "uid": "u"}, "spec": {"name": f"n {key}"}} for key in _IDS[start : start + 2]]
    about: dict[str, Any] = {"resourceVersion": "7"}
    if start + 2 < len(_IDS):
        about |= {"remainingItemCount": len(_IDS) - start - 2, "continue": str(start + 2)}
    return Reply.json({"kind": "ItemList", "apiVersion": "v1", "metadata": about, "items": rows})


def _json_api(request: Request) -> Reply:
    start = int(_asked(request).get("page[offset]", 0))
    rows = [{"type": "items", "id": key, "attributes": {"name": f"n {key}"}} for key in _IDS[start : start + 2]]
    following = f"/items?page[offset]={start + 2}" if start + 2 < len(_IDS) else None
    return Reply.json({"data": rows, "links": {"self": request.path, "next": following}, "meta": {"count": len(_IDS)}})


def _odata(request: Request) -> Reply:
    start = int(_asked(request).get("$skiptoken", 0))
    rows = [{"@odata.etag": "x", "Id": key, "Name": f"n {key}"} for key in _IDS[start : start + 2]]
    more = {"@odata.nextLink": f"/items?$skiptoken={start + 2}"} if start + 2 < len(_IDS) else {}
    return Reply.json({"@odata.context": "$metadata#items", "value": rows, **more})


def _hal(request: Request) -> Reply:
    start = int(_asked(request).get("start", 0))
    links = {"self": {"href": "/items"}, **({"next": {"href": f"?start={start + 2}"}} if start + 2 < len(_IDS) else {})}
    return Reply.json({"_links": links, "_embedded": {"items": [_item(key) for key in _IDS[start : start + 2]]}})


_PATH = "/items/{id}"
_SHAPES: dict[str, tuple[Callable[[Request], Reply], dict[str, Any]]] = {
    "Stripe": (_stripe, {"list_at": "data", "paging": LastRecord(more_at="has_more")}),
    "Stripe without more_at": (
        lambda request: _stripe(request, has_more=lambda more: None),
        {"list_at": "data", "paging": LastRecord()},
    ),
    "since": (_since, {"paging": LastRecord(parameter="since", field="id", size="per_page")}),
    "GitHub": (_github, {"paging": LinkHeader(most=2)}),
    "Kubernetes": (
        _kubernetes,
        {
            "list_at": "items",
            "names": {"id": "metadata.name", "name": "spec.name"},
            "paging": Cursor(next_at="metadata.continue", cursor="continue"),
        },
    ),
    "JSON:API": (
        _json_api,
        {
            "list_at": "data",
            "item_at": "data",
            "total_at": "meta.count",
            "names": {"name": "attributes.name"},
            "wrap": "data",
            "paging": Cursor(next_at="links.next", is_url=True, size=""),
        },
    ),
    "OData": (
        _odata,
        {
            "path": "/items('{id}')",
            "list_path": "/items",
            "list_at": "value",
            "names": {"id": "Id", "name": "Name"},
            "paging": Cursor(next_at=r"@odata\.nextLink", is_url=True, size="$top"),
        },
    ),
    "HAL": (
        _hal,
        {"list_at": "_embedded.items", "paging": Cursor(next_at="_links.next.href", is_url=True, size="size")},
    ),
}


@pytest.mark.parametrize("name", list(_SHAPES))
async def test_a_list_is_read_whole(name: str) -> None:
    serve, declared = _SHAPES[name]
    async with FaultServer(serve) as server:
        store = _opened(server.url, RestCollection(**{"path": _PATH, "order": ("id",), **declared}))
        try:
            assert await store.fetch(Query("item")) == [(key, f"n {key}") for key in _IDS]
            assert len(await store.fetch(Query("item", max_rows=3))) == 3
            assert await store.count(Query("item")) == 5
        finally:
            await store.close()


@pytest.mark.parametrize("more", [None, "yes", True])
async def test_a_list_by_the_last_record_that_does_not_say_its_end_is_refused(more: object) -> None:
    async with FaultServer(lambda request: _stripe(request, has_more=lambda _: more)) as server:
        store = _opened(server.url, RestCollection(path=_PATH, list_at="data", paging=LastRecord(more_at="has_more")))
        with pytest.raises(StoreError):
            await store.fetch(Query("item"))
        await store.close()


async def test_a_list_by_the_last_record_that_goes_round_is_refused() -> None:
    async with FaultServer(lambda request: Reply.json([_item("a")])) as server:
        store = _opened(server.url, RestCollection(path=_PATH, paging=LastRecord()))
        with pytest.raises(UpstreamError, match="the same page again"):
            await store.fetch(Query("item"))
        await store.close()


def test_paging_by_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no stored field 'born'"):
        _opened("http://h", RestCollection(path=_PATH, paging=LastRecord(field="born")))


async def test_a_lister_that_stops_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: only the first page is read."""

    async def first(self: Any, ask: Any, paging: Any, parameters: Any, needed: Any) -> Any:
        yield await ask([*parameters, ("limit", "2")], None, False)

    monkeypatch.setattr(pages.Lister, "_after_last", first)
    with pytest.raises(AssertionError):
        await test_a_list_is_read_whole("Stripe")


# --- writes -----------------------------------------------------------------------------------------------------------


def _change(verb: Verb, **values: Any) -> Change:
    return Change(verb, "item", "a", tuple(values), tuple(values.values()))


@pytest.mark.parametrize(
    "declared, sent",
    [
        (
            {"wrap": "data", "names": {"name": "attributes.name"}},
            [("POST", "/items", {"data": {"id": "a", "attributes": {"name": "n"}}}),
             ("PATCH", "/items/a", {"data": {"attributes": {"name": "m"}}})],
        ),
        (
            {"wrap": "payload.item"},
            [("POST", "/items", {"payload": {"item": {"id": "a", "name": "n"}}}),
             ("PATCH", "/items/a", {"payload": {"item": {"name": "m"}}})],
        ),
        (
            {"path": "/items/{id}.json", "update": Call(method="POST", path="/items/{id}/edit.json")},
            [("POST", "/items.json", {"id": "a", "name": "n"}), ("POST", "/items/a/edit.json", {"name": "m"})],
        ),
        (
            {"add": Call(method="PUT"), "update": Call(method="PUT")},
            [("PUT", "/items/a", {"id": "a", "name": "n"}), ("GET", "/items/a", None),
             ("PUT", "/items/a", {"id": "a", "name": "m"})],
        ),
    ],
    ids=["JSON:API", "two levels", "before a suffix", "PUT alone"],
)  # fmt: skip
async def test_what_is_sent(declared: dict[str, Any], sent: list[Any]) -> None:
    async with FaultServer(lambda request: Reply.json({"id": "a", "name": "n"})) as server:
        store = _opened(server.url, RestCollection(**{"path": _PATH, **declared}))
        await store.apply([_change(Verb.ADD, id="a", name="n")])
        await store.apply([_change(Verb.UPDATE, name="m")])
        found = [(each.method, each.path, json.loads(each.body) if each.body else None) for each in server.requests]
        assert found == sent
        await store.close()


# --- nested resources -------------------------------------------------------------------------------------------------


_NESTED = RestCollection(path="/authors/{author}/books/{id}", in_path=frozenset({"author"}))
_BOOKS = {1: {1: "Emma", 2: "Persuasion"}, 2: {1: "Ulysses"}}


def _books(request: Request) -> Reply:
    _, _, author, _, *key = urlsplit(request.path).path.split("/")
    shelf = _BOOKS.get(int(author))
    if shelf is None:
        return Reply.json({"detail": "no such author"}, 404)
    if request.method != "GET":
        return Reply(status=204, body=b"")
    if not key:
        return Reply.json([{"id": n, "title": title} for n, title in shelf.items()])
    found = shelf.get(int(key[0]))
    return Reply.json({"id": int(key[0]), "title": found}) if found else Reply.json({}, 404)


def _by(op: Op, value: object) -> Compare:
    return Compare(("author",), op, value)


async def test_nested_resources_are_read_below_those_that_are_named() -> None:
    async with FaultServer(_books) as server:
        store = _opened(server.url, _NESTED, _BOOK)
        assert await store.fetch(Query("book", _by(Op.EQ, 1))) == [(1, 1, "Emma"), (1, 2, "Persuasion")]
        both = Query[Any]("book", _by(Op.IN, (2, 1, 3)))
        assert [row[2] for row in await store.fetch(both)] == ["Ulysses", "Emma", "Persuasion"]
        assert await store.count(both) == 3
        assert await store.fetch(Query("book", And((_by(Op.EQ, 1), _by(Op.IN, (2,)))))) == []
        one = And((_by(Op.EQ, 2), Compare(("id",), Op.EQ, 1)))
        assert await store.fetch(Query("book", one)) == [(2, 1, "Ulysses")]
        before = len(server.requests)
        for refused in (Query[Any]("book"), Query("book", _by(Op.NE, 1)), Query("book", Compare(("id",), Op.EQ, 1))):
            with pytest.raises(Unsupported):
                await store.fetch(refused)
        with pytest.raises(Unsupported):
            await store.fetch(Query("book", _by(Op.IN, (1, 2)), sort_keys=(SortKey(("title",)),)))
        assert len(server.requests) == before
        await store.close()


async def test_nested_resources_are_written_where_they_are() -> None:
    async with FaultServer(_books) as server:
        store = _opened(server.url, _NESTED, _BOOK)
        await store.apply([Change(Verb.ADD, "book", (2, 7), ("author", "id", "title"), (2, 7, "Dubliners"))])
        await store.apply([Change(Verb.UPDATE, "book", (2, 7), ("title",), ("D.",))])
        await store.apply([Change(Verb.REMOVE, "book", (2, 7))])
        found = [(each.method, each.path, json.loads(each.body) if each.body else None) for each in server.requests]
        assert found == [
            ("POST", "/authors/2/books", {"id": 7, "title": "Dubliners"}),
            ("PATCH", "/authors/2/books/7", {"title": "D."}),
            ("DELETE", "/authors/2/books/7", None),
        ]
        await store.close()


def test_a_path_of_names_that_are_no_fields_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"\{shop\} in the path of list is no field"):
        _opened(
            "http://h", RestCollection(path="/shops/{shop}/items/{id}", get=None, update=None, remove=None, add=None)
        )
    with pytest.raises(DeclarationError, match="no stored field 'shop'"):
        _opened("http://h", RestCollection(path=_PATH, in_path=frozenset({"shop"})))


# --- a proxy ----------------------------------------------------------------------------------------------------------


async def test_calls_go_by_the_proxy_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer(lambda request: Reply.json(_item("a"))) as proxy:
        named = proxy.url.replace("http://", "http://me:secret@")
        for given in (named, "environment"):
            monkeypatch.setenv("HTTP_PROXY", named)
            monkeypatch.setenv("http_proxy", named)
            store = _opened("http://api.invalid/v1", RestCollection(path=_PATH), proxy=given)
            assert await store.fetch(Query("item", Compare(("id",), Op.EQ, "a"))) == [("a", "n a")]
            assert proxy.requests[-1].path == "http://api.invalid/v1/items/a"
            assert proxy.requests[-1].headers["proxy-authorization"].startswith("Basic ")
            await store.close()
        monkeypatch.setenv("NO_PROXY", "api.invalid")
        monkeypatch.setenv("no_proxy", "api.invalid")
        direct = _opened("http://api.invalid/v1", RestCollection(path=_PATH), proxy="environment")
        assert direct._client.settings.proxy is None


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://h:1", "http://", "http://h:x", "http://h/path"])
def test_a_proxy_that_is_none_is_refused(proxy: str) -> None:
    with pytest.raises(DeclarationError, match="proxy="):
        _opened("http://h", RestCollection(path=_PATH), proxy=proxy)
