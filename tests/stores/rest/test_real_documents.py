"""Small equivalents of documents as others write them, and what is made of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from holdall import Holdall, Model, field
from holdall.errors import DeclarationError
from holdall.query import Op
from holdall.stores.rest import Call, Cursor, LastRecord, LinkHeader, Offset, PageSize, from_openapi
from holdall.stores.rest.derive import Renamed
from holdall.testing.fault_server import FaultServer, Reply, Request
from tests.support.openapi_documents import NUMBER, TEXT, a_document, a_list, an_object, body, ok, query, ref

pytestmark = pytest.mark.anyio

_FORM = "application/x-www-form-urlencoded"


async def _ids(document: Any, path: str, api: Any, **declared: Any) -> list[Any]:
    """The keys of the whole list, read from an API by what the document tells."""

    class Thing(Model, collection="things"):
        id: str = field(pk=True)

    async with FaultServer(api) as server:
        app = Holdall("real")
        app.add_store("far", server.url, collections={"things": from_openapi(document, path, **declared)})
        app.add(Thing, store="far")
        async with app.session() as session:
            found = [thing.id for thing in await session.query(Thing.where())]
        await app.close()
        return found


# --- one after the other ----------------------------------------------------------------------------------------------


def test_github() -> None:
    issue = an_object(id=NUMBER, number=NUMBER, title=TEXT, state=TEXT)
    new = an_object(title=TEXT)
    owner = {"name": "owner", "in": "path", "required": True, "schema": TEXT}
    paging = [query("per_page", type="integer", default=30), query("page", type="integer", default=1)]
    listing = ok(a_list(issue), headers={"Link": {"schema": TEXT}}) | {"parameters": [owner, *paging]}
    item = {"parameters": [owner], "get": ok(issue), "patch": ok(issue) | body(new)}
    document = a_document(
        {"/repos/{owner}/issues": {"get": listing, "post": body(new) | ok(issue) | {"parameters": [owner]}},
         "/repos/{owner}/issues/{issue_number}": item}
    )  # fmt: skip
    with pytest.raises(DeclarationError, match=r"get demands 'owner'; declare get=Call\(parameters="):
        from_openapi(document, "/repos/{owner}/issues")
    ours = Call(parameters={"owner": "me"})
    found = from_openapi(document, "/repos/{owner}/issues", get=ours, list=ours, add=ours, update=ours)
    assert found.paging == PageSize(page="page", size="per_page", most=30, first=1)
    assert (found.path, found.keys) == ("/repos/{owner}/issues/{key}", "server")
    assert found.read_only == {"id", "number", "state"}
    listing["parameters"] = [owner, paging[0]]
    found = from_openapi(document, "/repos/{owner}/issues", get=ours, list=ours, add=ours, update=ours)
    assert found.paging == LinkHeader(size="per_page", most=30)


def _stripe() -> dict[str, Any]:
    customer = an_object(id=TEXT, object=TEXT, email=TEXT, name=TEXT, metadata={"type": "object"})
    sent = an_object(email=TEXT, name=TEXT, metadata={"type": "object"})
    parameters = [query("limit", type="integer"), query("starting_after"), query("ending_before"), query("email")]
    listing = ok(an_object(data=a_list(ref("customer")), has_more={"type": "boolean"}, url=TEXT))
    return a_document(
        {
            "/v1/customers": {
                "get": listing | {"parameters": parameters},
                "post": ok(ref("customer")) | body(sent, _FORM),
            },
            "/v1/customers/{customer}": {
                "get": ok({"anyOf": [ref("customer"), ref("deleted_customer")]}),
                "post": ok(ref("customer")) | body(sent, _FORM),
                "delete": ok(ref("deleted_customer")),
            },
        },
        customer=customer,
        deleted_customer=an_object(id=TEXT, deleted={"type": "boolean"}),
    )


def test_stripe() -> None:
    found = from_openapi(_stripe(), "/v1/customers")
    assert found.paging == LastRecord(more_at="has_more")
    assert (found.add, found.update) == (Call(media_type=_FORM), Call(method="POST", media_type=_FORM))
    assert (found.keys, found.list_at) == ("server", "data")
    assert found.read_only == {"id", "object", "deleted"}
    assert found.filters is not None
    assert found.filters.operators == {Op.EQ: "{field}"}


def _box() -> dict[str, Any]:
    hook = an_object(id=TEXT, type=TEXT)
    answer = {"allOf": [an_object(limit=NUMBER, next_marker=TEXT), an_object(entries=a_list(hook))]}
    listing = ok(answer) | {"parameters": [query("marker", type="string"), query("limit", type="integer")]}
    return a_document({"/webhooks": {"get": listing}, "/webhooks/{webhook_id}": {"get": ok(hook)}})


async def test_box() -> None:
    found = from_openapi(_box(), "/webhooks")
    assert found.paging == Cursor(next_at="next_marker", cursor="marker", size="limit")
    assert found.list_at == "entries"

    def api(request: Request) -> Reply:
        if "marker=m" in request.path:
            return Reply.json({"entries": [{"id": "c"}], "next_marker": None, "limit": 2})
        return Reply.json({"entries": [{"id": "a"}, {"id": "b"}], "next_marker": "m", "limit": 2})

    assert await _ids(_box(), "/webhooks", api) == ["a", "b", "c"]


def _twilio(suffix: str = "") -> dict[str, Any]:
    service = an_object(sid=TEXT, friendly_name=TEXT, date_created=TEXT)
    meta = an_object(next_page_url=TEXT | {"format": "uri", "nullable": True}, key=TEXT, page_size=NUMBER)
    sent = an_object(FriendlyName=TEXT)
    parameters = [query("PageSize", type="integer", maximum=50), query("Page", type="integer"), query("PageToken")]
    return a_document(
        {
            f"/v1/Services{suffix}": {
                "get": ok(an_object(services=a_list(service), meta=meta)) | {"parameters": parameters},
                "post": body(sent, _FORM)
                | {"responses": {"201": {"content": {"application/json": {"schema": service}}}}},
            },
            f"/v1/Services/{{Sid}}{suffix}": {"get": ok(service), "post": ok(service) | body(sent, _FORM)},
        }
    )


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_twilio(suffix: str) -> None:
    found = from_openapi(_twilio(suffix), f"/v1/Services{suffix}")
    assert (found.path, found.list_path) == (f"/v1/Services/{{key}}{suffix}", f"/v1/Services{suffix}")
    assert found.paging == Cursor(
        next_at="meta.next_page_url", cursor="PageToken", size="PageSize", most=50, is_url=True
    )
    assert (found.keys, found.read_only) == ("server", frozenset({"sid", "date_created"}))
    assert found.add == Call(media_type=_FORM, payload=Renamed({"friendly_name": "FriendlyName"}))


async def test_a_form_with_other_names_takes_over_what_is_sent() -> None:
    class Service(Model, collection="services"):
        sid: str = field(pk=True, generated=True)
        friendly_name: str

    answer = {"sid": "S1", "friendly_name": "a&b"}
    async with FaultServer(lambda asked: Reply.json(answer, 201 if asked.method == "POST" else 200)) as server:
        app = Holdall("real")
        declared = from_openapi(_twilio(), "/v1/Services")
        app.add_store("far", server.url, collections={"services": declared})
        app.add(Service, store="far")
        async with app.session() as session:
            session.add(Service(friendly_name="a&b"))
        async with app.session() as session:
            (await session.require(Service, "S1")).friendly_name = "c"
        await app.close()
        created, _, updated = server.requests
    assert parse_qsl(created.body.decode()) == [("FriendlyName", "a&b")]
    assert (updated.method, updated.path) == ("POST", "/v1/Services/S1")
    assert parse_qsl(updated.body.decode()) == [("FriendlyName", "c")]


def test_what_is_sent_under_quite_other_names_is_asked_for() -> None:
    document = _twilio()
    document["paths"]["/v1/Services"]["post"] |= body(an_object(Title=TEXT), _FORM)
    with pytest.raises(DeclarationError, match="payload="):
        from_openapi(document, "/v1/Services")
    assert from_openapi(document, "/v1/Services", add=None).add is None


def _kubernetes() -> dict[str, Any]:
    namespace = {"name": "namespace", "in": "path", "required": True, "type": "string"}
    patches = [f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch")]
    whole = {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/v1.ConfigMap"}}
    patch = {"name": "body", "in": "body", "required": True, "schema": {"type": "object"}}
    one = {"responses": {"200": {"schema": {"$ref": "#/definitions/v1.ConfigMap"}}}}
    paging = [{"name": name, "in": "query", "type": "string"} for name in ("limit", "continue")]
    many = {"responses": {"200": {"schema": {"$ref": "#/definitions/v1.ConfigMapList"}}}}
    return {
        "swagger": "2.0",
        "consumes": ["application/json", "application/yaml"],
        "paths": {
            "/api/v1/namespaces/{namespace}/configmaps": {
                "parameters": [namespace],
                "get": {"parameters": paging, **many},
                "post": {"parameters": [whole], **one},
            },
            "/api/v1/namespaces/{namespace}/configmaps/{name}": {
                "parameters": [namespace, {"name": "name", "in": "path", "required": True, "type": "string"}],
                "get": one,
                "put": {"parameters": [whole], **one},
                "patch": {"consumes": patches, "parameters": [patch], **one},
                "delete": one,
            },
        },
        "definitions": {
            "v1.ConfigMap": an_object(apiVersion=TEXT, data={}, metadata={"$ref": "#/definitions/v1.Meta"}),
            "v1.Meta": an_object(name=TEXT),
            "v1.ListMeta": an_object(**{"continue": TEXT, "remainingItemCount": NUMBER}),
            "v1.ConfigMapList": an_object(
                items=a_list({"$ref": "#/definitions/v1.ConfigMap"}), metadata={"$ref": "#/definitions/v1.ListMeta"}
            ),
        },
    }  # fmt: skip


async def test_kubernetes() -> None:
    path = "/api/v1/namespaces/{namespace}/configmaps"
    ours: dict[str, Any] = {verb: Call(parameters={"namespace": "x"}) for verb in ("get", "list", "add", "remove")}
    merge = Call(media_type="application/merge-patch+json", parameters={"namespace": "x"})
    found = from_openapi(_kubernetes(), path, **ours, update=merge, names={"id": "metadata.name"})
    assert found.paging == Cursor(next_at="metadata.continue", cursor="continue", size="limit")
    assert (found.list_at, found.keys, found.read_only) == ("items", "client", frozenset())

    def api(request: Request) -> Reply:
        names, left = (["c"], "") if "continue=t" in request.path else (["a", "b"], "t")
        items = [{"metadata": {"name": name}} for name in names]
        return Reply.json({"items": items, "metadata": {"continue": left, "resourceVersion": "1"}})

    declared = ours | {"update": merge, "names": {"id": "metadata.name"}}
    assert await _ids(_kubernetes(), path, api, **declared) == ["a", "b", "c"]

    document = _kubernetes()
    for each in document["paths"].values():
        each["parameters"] = [one for one in each["parameters"] if one["name"] != "namespace"]
    assert from_openapi(document, path).update == Call(media_type="application/merge-patch+json")
    document["paths"][f"{path}/{{name}}"]["patch"]["consumes"] = ["application/json-patch+json"]
    assert from_openapi(document, path).update == Call(method="PUT")


def _drf(*parameters: Any) -> dict[str, Any]:
    album = an_object(id=TEXT | {"readOnly": True}, title=TEXT)
    page = an_object(
        count=NUMBER,
        next=TEXT | {"nullable": True, "format": "uri"},
        previous=TEXT | {"nullable": True, "format": "uri"},
        results=a_list(ref("Album")),
    )
    write = ok(ref("Album")) | body(ref("Album"), "application/json", _FORM, "multipart/form-data")
    return a_document(
        {
            "/albums/": {"get": ok(ref("Page")) | {"parameters": list(parameters)}, "post": write},
            "/albums/{id}/": {"get": ok(ref("Album")), "patch": write, "delete": {"responses": {"204": {}}}},
        },
        Album=album,
        Page=page,
    )


async def test_django_rest_framework() -> None:
    found = from_openapi(_drf(query("limit", type="integer"), query("offset", type="integer")), "/albums/")
    assert (found.path, found.list_path) == ("/albums/{key}/", "/albums/")
    assert (found.paging, found.list_at, found.total_at) == (Offset(), "results", "count")
    assert (found.keys, found.add, found.update, found.remove) == ("server", Call(), Call(), Call())
    numbered = _drf(query("page", type="integer"))
    assert from_openapi(numbered, "/albums/").paging == Cursor(next_at="next", cursor="", size="", is_url=True)

    def api(request: Request) -> Reply:
        page = int(dict(parse_qsl(urlsplit(request.path).query)).get("page", 1))
        rows = [{"id": str(number)} for number in range(4)][page * 2 - 2 : page * 2]
        if not rows:
            return Reply.json({"detail": "Invalid page."}, 404)
        following = f"http://{request.headers['host']}/albums/?page={page + 1}" if page < 2 else None
        return Reply.json({"count": 4, "next": following, "previous": None, "results": rows})

    ours: dict[str, Any] = {"keys": "client", "read_only": frozenset()}
    assert await _ids(numbered, "/albums/", api, **ours) == ["0", "1", "2", "3"]
    assert await _ids(numbered, "/albums/", api, **ours, paging=PageSize(most=2)) == ["0", "1", "2", "3"]


async def test_odata() -> None:
    user = an_object(id=TEXT, displayName=TEXT)
    answer = an_object(**{"value": a_list(user), "@odata.nextLink": TEXT, "@odata.count": NUMBER})
    document = a_document({"/v1.0/users": {"get": ok(answer)}, "/v1.0/users/{user-id}": {"get": ok(user)}})
    found = from_openapi(document, "/v1.0/users")
    assert found.paging == Cursor(next_at=r"@odata\.nextLink", cursor="", size="", is_url=True)
    assert (found.list_at, found.total_at) == ("value", r"@odata\.count")

    def api(request: Request) -> Reply:
        if "skiptoken" in request.path:
            return Reply.json({"value": [{"id": "b"}], "@odata.count": 2})
        return Reply.json({"value": [{"id": "a"}], "@odata.nextLink": "?$skiptoken=x", "@odata.count": 2})

    assert await _ids(document, "/v1.0/users", api) == ["a", "b"]


def test_pagerduty() -> None:
    accept = {
        "name": "Accept",
        "in": "header",
        "required": True,
        "schema": TEXT | {"default": "application/vnd.x+json"},
    }
    others = [accept | {"name": name} for name in ("content-type", "Authorization")]
    listing = {"allOf": [ref("Pagination"), an_object(users=a_list({"$ref": "#/components/schemas/User/allOf/1"}))]}
    parameters = [accept, *others, query("limit", type="integer"), query("offset", type="integer")]
    document = a_document(
        {
            "/users": {"get": ok(listing) | {"parameters": parameters}},
            "/users/{id}": {"get": ok(an_object(user=ref("User"))) | {"parameters": [accept]}},
        },
        Pagination=an_object(offset=NUMBER, limit=NUMBER, more={"type": "boolean"}, total=NUMBER | {"nullable": True}),
        User={"allOf": [an_object(id=TEXT), an_object(name=TEXT)]},
    )
    found = from_openapi(document, "/users")
    assert (found.list_at, found.item_at, found.total_at, found.paging) == ("users", "user", "total", Offset())


async def test_spring() -> None:
    pet = an_object(id=TEXT)
    page = an_object(content=a_list(pet), totalElements=NUMBER, last={"type": "boolean"})
    parameters = [query("page", type="integer", default=0), query("size", type="integer", default=2)]
    document = a_document(
        {"/pets": {"get": ok(page, "*/*") | {"parameters": parameters}}, "/pets/{id}": {"get": ok(pet, "*/*")}}
    )
    found = from_openapi(document, "/pets")
    assert found.paging == PageSize(size="size", most=2, first=0)

    def api(request: Request) -> Reply:
        asked = dict(parse_qsl(urlsplit(request.path).query))
        number, size = int(asked["page"]), int(asked["size"])
        rows = [{"id": str(each)} for each in range(5)][number * size : number * size + size]
        return Reply.json({"content": rows, "totalElements": 5, "last": number == 2})

    assert await _ids(document, "/pets", api) == list("01234")


def test_json_api() -> None:
    thing = an_object(data=an_object(id=TEXT, type=TEXT, attributes=an_object(title=TEXT)))
    media_type = "application/vnd.api+json"
    listing = an_object(
        data=a_list(an_object(id=TEXT, attributes=an_object(title=TEXT))), links=an_object(next=TEXT, prev=TEXT)
    )
    problem: dict[str, Any] = {"404": {"content": {"application/problem+json": {}}}}
    parameters = [query("page[after]"), query("page[size]", type="integer", maximum=20)]
    document = a_document(
        {
            "/things": {"get": ok(listing, media_type) | {"parameters": parameters}, "post": body(thing, media_type)},
            "/things/{id}": {"get": ok(thing, media_type), "delete": {"responses": {"204": {}, **problem}}},
        }
    )
    found = from_openapi(document, "/things")
    assert found.paging == Cursor(next_at="links.next", cursor="page[after]", size="page[size]", most=20, is_url=True)
    assert (found.item_at, found.list_at, found.wrap) == ("data", "data", "data")
    assert found.add == Call(media_type=media_type)
    assert found.remove == Call()
    assert found.get == found.list == Call(headers={"Accept": media_type})


def test_a_call_that_is_no_update_is_not_taken_for_one() -> None:
    job = an_object(id=TEXT, name=TEXT)
    run = body(an_object(force={"type": "boolean"})) | ok(job)
    listing = {"get": ok(a_list(job))}
    for post in (run, ok(job)):
        paths = {"/jobs": listing, "/jobs/{id}": {"get": ok(job), "post": post}}
        assert from_openapi(a_document(paths), "/jobs").update is None


def test_a_parameter_that_may_be_of_paging_or_a_filter_is_asked_for() -> None:
    plan = an_object(id=TEXT, limit=NUMBER)
    listing = ok(a_list(plan)) | {"parameters": [query("limit", type="integer")]}
    document = a_document({"/plans": {"get": listing}, "/plans/{id}": {"get": ok(plan)}})
    with pytest.raises(DeclarationError, match="paging="):
        from_openapi(document, "/plans")
    found = from_openapi(document, "/plans", paging=None)
    assert found.filters is not None
    assert found.filters.operators == {Op.EQ: "{field}"}


def test_an_upload_that_cannot_be_sent_is_asked_for() -> None:
    thing = an_object(id=TEXT, name=TEXT)
    for media_type in ("multipart/form-data", "application/xml"):
        paths = {"/t": {"get": ok(a_list(thing)), "post": body(thing, media_type)}, "/t/{id}": {"get": ok(thing)}}
        with pytest.raises(DeclarationError, match=f"add takes {media_type}"):
            from_openapi(a_document(paths), "/t")
    swagger = {
        "swagger": "2.0",
        "paths": {
            "/t": {
                "get": {"responses": {200: {"schema": a_list(thing)}}},
                "post": {"parameters": [{"name": "name", "in": "formData", "type": "string"}], "responses": {}},
            },
            "/t/{id}": {"get": {"responses": {"default": {"schema": thing}}}},
        },
    }
    assert from_openapi(swagger, "/t").add == Call(media_type=_FORM)
