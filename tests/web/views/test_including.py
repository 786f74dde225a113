"""Views in services, FastAPI applications and routers: prefixes, bases, mixins, dependencies, and whose rules hold."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from starlette.background import BackgroundTask

from holdall import SYSTEM, Authenticated, Everyone, Holdall, Model, Nobody, Policy, User, field
from holdall.errors import DeclarationError, Forbidden
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, Listing, RecordResponse, RestView, View, get, include_view, post
from tests.support.shop_of_views import KINDS, RESTS, Author, Book, shop

pytestmark = pytest.mark.anyio


def who(request: Request) -> str:
    return request.headers.get("x-who", "nobody")


def locked(request: Request) -> None:
    if "x-key" not in request.headers:
        raise HTTPException(403, "no key")


class Base(View):
    prefix = "/api"
    dependencies = (Depends(locked),)
    tags = ("everything",)


class Greeting(Base):
    prefix = "/greetings"
    caller: Annotated[str, Depends(who)]
    loud: Annotated[bool, Query()] = False

    @get("/{name}")
    async def greet(self, name: str, mark: str = "!") -> dict[str, str]:
        text = f"{self.caller} greets {name}{mark}"
        return {"text": text.upper() if self.loud else text}

    @get("/plain/sync")
    def plain(self) -> str:
        return self.caller


async def test_a_view_is_a_class_of_routes() -> None:
    service = FastAPI()
    assert include_view(service, Greeting, app=shop("memory:")) is Greeting
    include_view(service, Greeting, app=shop("memory:"))  # once more changes nothing
    Greeting.acts_for = SYSTEM
    async with Client(service) as client:
        assert (await client.get("/api/greetings/you")).status == 403
        answer = await client.get("/api/greetings/you?mark=?&loud=true", x_key="1", x_who="me")
        assert answer.json() == {"text": "ME GREETS YOU?"}
        assert (await client.get("/api/greetings/plain/sync", x_key="1", x_who="me")).json() == "me"
        assert (await client.get("/api/greetings/you?loud=what", x_key="1")).status == 422
        document = (await client.get("/openapi.json")).json()
        operation = document["paths"]["/api/greetings/{name}"]["get"]
        assert operation["tags"] == ["everything"]
        assert {parameter["name"] for parameter in operation["parameters"]} == {"loud", "name", "mark"}


class Stamped:
    """A mixin that has the last word on what is new."""

    async def make_new_object(self, data: Any) -> Any:
        book = await super().make_new_object(data)  # type: ignore[misc]
        book.status = "stamped"
        return book


class Undeletable(View):
    exclude_routes = ("delete_endpoint",)


class Mixed(Undeletable, Stamped, AsyncRestView[Book]):
    prefix = "/books"
    with_drafts: Annotated[bool, Query()] = False

    def build_query(self) -> Any:
        query = super().build_query()
        return query if self.with_drafts else query.where(Book.status != "draft")

    @get("")
    async def get_many_endpoint(self, query_params: Any) -> Any:
        response = await super().get_many_endpoint(query_params)
        response.headers["x-replaced"] = "yes"
        return response


async def test_mixins_compose_and_routes_are_replaced_and_left_out() -> None:
    service = shop("memory:").asgi()
    include_view(service, Mixed)
    async with Client(service) as client:
        await client.post("/authors", {"name": "Austen"})
        answer = await client.post("/books", {"title": "Emma", "author": 1})
        assert answer.json()["status"] == "stamped"
        listed = await client.get("/books?with_drafts=false&title=Emma")
        assert (listed.status, listed.headers["x-replaced"]) == (200, "yes")
        assert listed.json()["total_count"] == 1
        refused = await client.delete("/books/1")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PATCH, PUT")
        assert (await client.delete("/books")).headers["allow"] == "GET, HEAD, OPTIONS, PATCH, POST"
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert set(paths["/books/{key}"]) == {"get", "put", "patch"}


@pytest.mark.parametrize("parent", ["router", "nested"])
async def test_a_view_in_a_router_answers_in_the_place_of_its_collection(parent: str) -> None:
    class Books(RestView[Book]):
        prefix = "/books"

        def authorize(self, action: str, obj: Book | None = None, data: Any = None) -> None:
            if action == "delete":
                raise Forbidden("remove", "books")

    app = shop("memory:")
    service, router = app.asgi(), APIRouter()
    include_view(router, Books, app=app)
    if parent == "nested":
        outer = APIRouter()
        outer.include_router(router)
        service.include_router(outer)
    else:
        service.include_router(router)
    async with Client(service) as client:
        await client.post("/authors", {"name": "Austen"})
        assert (await client.post("/books", {"title": "Emma", "author": 1})).status == 201
        assert (await client.delete("/books/1")).status == 403
        assert (await client.get("/books/1")).status == 200


async def test_a_decorator_includes_a_view() -> None:
    service = shop("memory:").asgi()

    @include_view(service)
    class Authors(AsyncRestView[Author]):
        prefix = "/writers"

    async with Client(service) as client:
        assert (await client.post("/writers", {"name": "Austen"})).status == 201
        assert (await client.get("/authors/1")).json() == {"id": 1, "name": "Austen"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_foreign_application_serves_views_and_describes_them_whole(kind: str) -> None:
    class Books(RESTS[kind][Book]):  # type: ignore[misc]
        prefix = "/books"
        acts_for = SYSTEM

    host, app = FastAPI(), shop("memory:")
    include_view(host, Books, app=app)
    async with app.session() as session:
        session.add(Author(name="Austen"))
    async with Client(host) as client:
        assert (await client.post("/books", {"title": "Emma", "author": 1})).status == 201
        assert (await client.get("/books?pages__gte=0")).json()["total_count"] == 1
        refused = await client.post("/books", {"title": 7})
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:invalid")
        assert (await client.get("/nowhere")).json() == {"detail": "Not Found"}  # errors of the host stay as they were
        document = (await client.get("/openapi.json")).json()
        assert "#/components/schemas/Book" not in str(document["paths"])
        assert "pages__gte" in str(document["paths"]["/books"]["get"]["parameters"])


async def test_policies_hold_whatever_a_view_does() -> None:
    async def by_name(scope: Any) -> User | None:
        names = [value.decode() for name, value in scope["headers"] if name == b"x-user"]
        return User(names[0]) if names else None

    app = shop("memory:")
    app.bindings.of_model(Book).policy = Policy(read=Authenticated, write=Nobody)
    service = app.asgi(authenticate=by_name)

    class Books(AsyncRestView[Book]):
        prefix = "/books"

    include_view(service, Books)
    async with Client(service) as client:
        assert (await client.get("/books")).status == 401
        assert (await client.get("/books", x_user="ann")).status == 200
        assert (await client.post("/books", {"title": "Emma", "author": 1}, x_user="ann")).status == 403
        assert (await client.delete("/books/1", x_user="ann")).status == 403


async def test_a_collection_that_is_read_only_has_no_routes_that_write() -> None:
    class Totals(Model, read_only=True, collection="totals"):
        id: int = field(pk=True)
        sum: int

    class TotalsView(AsyncRestView[Totals]):
        prefix = "/totals"

    app = Holdall("shop")
    app.add_store("main", "memory:")
    app.add(Totals, store="main", policy=Policy(read=Everyone, write=Everyone))
    service = app.asgi()
    include_view(service, TotalsView)
    async with Client(service) as client:
        assert (await client.get("/totals")).status == 200
        assert (await client.post("/totals", {"id": 1, "sum": 2})).status == 405
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert (set(paths["/totals"]), set(paths["/totals/{key}"])) == ({"get"}, {"get"})


async def test_what_a_method_sets_of_its_answer_stays_with_it() -> None:
    cleared = list[str]()

    class Watched(AsyncRestView[Book]):
        prefix = "/books"

        async def get_many_endpoint(self, query_params: Listing) -> RecordResponse:
            response = await super().get_many_endpoint(query_params)
            response.set_cookie("seen", "yes")
            response.headers["etag"] = "theirs"
            response.background = BackgroundTask(cleared.append, "books")
            return response

    service = shop("memory:").asgi()
    include_view(service, Watched)
    async with Client(service) as client:
        answer = await client.get("/books")
        assert (answer.status, answer.json()["total_count"]) == (200, 0)
        assert answer.headers["set-cookie"].startswith("seen=yes")
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["etag"] != "theirs"
        assert cleared == ["books"]


class NoModel(AsyncRestView):  # type: ignore[type-arg]
    prefix = "/nothing"


class NoPrefix(AsyncRestView[Book]):
    """A view whose routes would have no path at all."""


class Excluding(AsyncRestView[Book]):
    exclude_routes = ("get_all_endpoint",)


class Unresolved(View):
    caller: Annotated[str, Depends(who), NotThere]  # noqa: F821


@pytest.mark.parametrize(
    "view, told",
    [
        (NoModel, r"NoModel names no model: write class NoModel\(AsyncRestView\[Book\]\)"),
        (NoPrefix, r'NoPrefix has no prefix: write prefix = "/books" in it'),
        (Excluding, r"Excluding has no route 'get_all_endpoint' to exclude"),
        (Unresolved, r"Unresolved.caller: its annotation names 'NotThere'"),
    ],
)
def test_mistakes_are_told_when_a_view_is_included(view: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        include_view(shop("memory:").asgi(), view)


def test_a_verb_has_no_route() -> None:
    with pytest.raises(DeclarationError, match=r"Wrong.create is a verb, which has no route"):

        class Wrong(AsyncRestView[Book]):
            @post("/new")
            async def create(self, data: Any) -> Any: ...


def test_a_view_must_know_its_application() -> None:
    with pytest.raises(DeclarationError, match=r"give include_view\(..., app=...\)"):
        include_view(FastAPI(), Greeting)


def test_an_async_method_in_a_view_that_is_called_in_threads_is_refused() -> None:
    class Mixed(RestView[Book]):
        prefix = "/books"

        async def get_one(self, key: Any) -> Book:  # type: ignore[override]
            return super().get_one(key)

    with pytest.raises(DeclarationError, match=r"Mixed\.get_one is async, .* derive Mixed from AsyncRestView"):
        include_view(shop("memory:").asgi(), Mixed)
