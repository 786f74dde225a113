"""One request is one context: of collections, views, routes of FastAPI and of other hosts of ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from holdall import SYSTEM, Context, Dal, Everyone, Holdall, Model, Policy, Service, Session, User, field
from holdall.errors import NotFound
from holdall.testing.client import Client
from holdall.web import ContextMiddleware, FailedAnswer
from holdall.web.views import AsyncRestView, RestView, View, get, include_view, post

pytestmark = pytest.mark.anyio


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = field(default="", unique=True)


class Notes(Service):
    async def put(self, key: int, text: str) -> Note:
        return self.session.add(Note(id=key, text=text))

    async def asker(self) -> str:
        return f"{self.context.user.id} {self.context.meta.get('path')}"


class Library:
    notes: Notes


async def authenticate(scope: Any) -> User | None:
    return User(dict(scope["headers"]).get(b"x-user", b"nobody").decode())


class Log(list[str]):
    """What middleware saw of contexts."""

    def __init__(self, app: Holdall) -> None:
        app.add_middleware(self.around)

    async def around(self, context: Context) -> AsyncIterator[None]:
        asked = f"{context.meta.get('method')} {context.meta.get('path')} {context.user.id}"
        if context.meta.get("headers", {}).get("x-refuse") == "early":
            raise HTTPException(418)
        try:
            yield
            self.append(asked)
        except BaseException as error:
            told = error.status if isinstance(error, FailedAnswer) else ""
            self.append(f"{asked} {type(error).__name__}{told}")
            if context.meta.get("headers", {}).get("x-refuse") == "suppress":
                return
            if context.meta.get("headers", {}).get("x-refuse") == "replace":
                raise NotFound("note", 77) from error
            raise
        if context.meta.get("headers", {}).get("x-refuse") == "late":
            raise NotFound("note", 7)


@pytest.fixture
async def app() -> AsyncIterator[Holdall]:
    made = Holdall("notes")
    made.add_store("main", "memory:")
    made.add(Note, store="main", policy=Policy(read=Everyone, write=Everyone))
    made.add_services(notes=Notes())
    yield made
    await made.close()


@pytest.fixture
def log(app: Holdall) -> Log:
    return Log(app)


async def texts(app: Holdall) -> set[str]:
    async with app.session() as session:
        return {note.text for note in await session.query(Note.where())}


# --- collections ------------------------------------------------------------------------------------------------------


async def test_a_request_of_a_collection_is_one_context(app: Holdall, log: Log) -> None:
    async with Client(app.asgi(authenticate=authenticate), headers={"x-user": "ann"}) as client:
        assert (await client.post("/notes", {"id": 1, "text": "one"})).status == 201
        assert (await client.get("/notes/1")).status == 200
        assert (await client.get("/notes")).json()["total_count"] == 1
        assert (await client.patch("/notes/1", {"text": "two"})).status == 200
        assert (await client.delete("/notes/1")).status == 204
        assert (await client.get("/notes/1")).status == 404
    assert log == [
        "POST /notes ann", "GET /notes/1 ann", "GET /notes ann", "PATCH /notes/1 ann", "DELETE /notes/1 ann",
        "GET /notes/1 ann NotFound",
    ]  # fmt: skip


async def test_middleware_writes_beside_a_request_of_a_collection(app: Holdall) -> None:
    @app.middleware
    async def audit(context: Context) -> AsyncIterator[None]:
        yield
        if context.meta.get("method") == "POST":
            context.session.add(Note(id=99, text="audit"))

    async with Client(app.asgi()) as client:
        assert (await client.post("/notes", {"id": 1, "text": "one"})).status == 201
        assert await texts(app) == {"one", "audit"}


@pytest.mark.parametrize("when, status", [("early", 418), ("late", 404), ("suppress", 204), ("replace", 404)])
async def test_the_outcome_of_middleware_is_the_answer_of_a_collection(
    app: Holdall, log: Log, when: str, status: int
) -> None:
    async with Client(app.asgi(), headers={"x-refuse": when}) as client:
        found = await client.get("/notes/5" if when in ("suppress", "replace") else "/notes")
        assert found.status == status
        if status == 404:
            assert found.json()["type"] == "urn:holdall:not-found"


async def test_a_refused_write_leaves_nothing_for_the_context_to_commit(app: Holdall, log: Log) -> None:
    async with Client(app.asgi()) as client:
        for number, status in ((1, 201), (2, 409)):
            assert (await client.post("/notes", {"id": number, "text": "same"})).status == status
    assert log[1] == "POST /notes None CommitAborted"


# --- views ------------------------------------------------------------------------------------------------------------


class NoteView(AsyncRestView[Note]):
    prefix = "/views"
    acts_for = SYSTEM

    @get("/now/asker")
    async def asker(self) -> str:
        assert self.context.session is self.session
        found: str = await self.dal.notes.asker()
        return found


class PlainView(RestView[Note]):
    prefix = "/plain"
    acts_for = SYSTEM

    @get("/now/asker")
    def asker(self) -> str:
        assert self.context.session is self.session
        found: str = self.dal.notes.asker()
        return found


class Free(View):
    prefix = "/free"
    acts_for = User("ann", unrestricted=True)

    @post("/{key}")
    async def put(self, key: int) -> dict[str, str]:
        note = await self.context.dal_as(Library).notes.put(key, "free")
        return {"text": note.text}


@pytest.mark.parametrize("view", [NoteView, PlainView])
async def test_views_have_their_context_and_services(app: Holdall, log: Log, view: Any) -> None:
    service = app.asgi()
    include_view(service, view)
    include_view(service, Free)
    async with Client(service) as client:
        path = view.prefix
        assert (await client.get(f"{path}/now/asker")).json() == f"system {path}/now/asker"
        assert (await client.post(path, {"id": 1, "text": "one"})).status == 201
        assert (await client.get(f"{path}/5")).status == 404
        assert (await client.post("/free/2", None)).json() == {"text": "free"}
    assert log == [
        f"GET {path}/now/asker system", f"POST {path} system", f"GET {path}/5 system NotFound", "POST /free/2 ann",
    ]  # fmt: skip


@pytest.mark.parametrize("when, status", [("late", 404), ("suppress", 204), ("replace", 404)])
async def test_the_outcome_of_middleware_is_the_answer_of_a_view(
    app: Holdall, log: Log, when: str, status: int
) -> None:
    service = app.asgi()
    include_view(service, NoteView)
    async with Client(service, headers={"x-refuse": when}) as client:
        assert (await client.get("/views/now/asker" if when == "late" else "/views/5")).status == status


# --- routes of FastAPI ------------------------------------------------------------------------------------------------


def host_of(app: Holdall) -> FastAPI:
    host = FastAPI()
    of_context, of_dal = app.context_dependency(SYSTEM), app.dal_dependency(user=SYSTEM)
    of_library, of_session = app.dal_dependency(Library, SYSTEM), app.session_dependency(SYSTEM)

    @host.post("/notes/{key}")
    async def put(
        key: int,
        context: Context = of_context,
        dal: Dal = of_dal,
        library: Library = of_library,
        session: Session = of_session,
    ) -> str:
        await dal.notes.put(key, "by a route")
        assert app.require_context() is context
        assert session is context.session
        assert dal is context.dal
        return await library.notes.asker()

    @host.post("/refused/{key}")
    def refuse(key: int, context: Context = of_context) -> None:
        context.session.add(Note(id=key, text="refused"))
        raise HTTPException(409)

    return host


async def test_a_route_has_one_context_whichever_way_it_asks(app: Holdall, log: Log) -> None:
    client = Client(host_of(app))
    assert (await client.post("/notes/1", None)).json() == "system /notes/1"
    assert (await client.post("/refused/2", None)).status == 409
    assert await texts(app) == {"by a route"}
    assert log == ["POST /notes/1 system", "POST /refused/2 system HTTPException"]
    assert app.active_context is None


async def test_a_route_acts_for_the_user_of_the_service(app: Holdall, log: Log) -> None:
    service = app.asgi(authenticate=authenticate)

    async def who(library: Any = app.dal_dependency(Library)) -> Any:  # noqa: B008
        return await library.notes.asker()

    service.add_api_route("/who", who)
    async with Client(service, headers={"x-user": "ann"}) as client:
        assert (await client.get("/who")).json() == "ann /who"
        operation = (await client.get("/openapi.json")).json()["paths"]["/who"]["get"]
    assert {"401", "403"} <= operation["responses"].keys()
    assert log == ["GET /who ann"]


# --- Starlette, and any host ------------------------------------------------------------------------------------------


def starlette_of(app: Holdall) -> Starlette:
    async def put(request: Request) -> JSONResponse:
        context: Context = request.state.context
        assert app.require_context() is context
        await context.dal.notes.put(int(request.path_params["key"]), request.query_params.get("text", ""))
        return JSONResponse(await context.dal.notes.asker(), int(request.query_params.get("status", 201)))

    def fail(request: Request) -> JSONResponse:
        app.require_context().session.add(Note(id=50, text="failed"))
        raise HTTPException(409)

    async def crash(request: Request) -> JSONResponse:
        app.require_context().session.add(Note(id=51, text="crashed"))
        raise ZeroDivisionError

    async def stream(request: Request) -> StreamingResponse:
        app.require_context().session.add(Note(id=52, text="streamed"))

        async def parts() -> AsyncIterator[str]:
            yield str(app.active_context)

        return StreamingResponse(parts())

    async def user(request: Request) -> User:
        return User(request.headers.get("x-user", "nobody"), unrestricted=True)

    routes = [
        Route("/notes/{key}", put, methods=["POST"]),
        Route("/fail", fail),
        Route("/crash", crash),
        Route("/stream", stream),
    ]
    return Starlette(routes=routes, middleware=[Middleware(ContextMiddleware, app=app, user=user)])


async def test_a_request_of_starlette_is_one_context_that_ends_before_its_answer(app: Holdall, log: Log) -> None:
    host = starlette_of(app)

    async def served(scope: Any, receive: Any, send: Any) -> None:
        scope["asgi"] = {"spec_version": "2.4"}  # or Starlette would look for a client that goes away
        await host(scope, receive, send)

    client = Client(served, headers={"x-user": "ann"})
    assert (await client.post("/notes/1?text=one", None)).json() == "ann /notes/1"
    assert (await client.get("/stream")).body == b"None"
    assert await texts(app) == {"one", "streamed"}
    assert log == ["POST /notes/1 ann", "GET /stream ann"]


@pytest.mark.parametrize(
    "path, told", [("/fail", "FailedAnswer409"), ("/crash", "ZeroDivisionError"), ("/notes/1", "FailedAnswer400")]
)
async def test_failures_of_starlette_roll_back(app: Holdall, log: Log, path: str, told: str) -> None:
    client = Client(starlette_of(app))
    if path == "/crash":
        with pytest.raises(ZeroDivisionError):
            await client.get(path)
    else:
        found = await (client.get(path) if path == "/fail" else client.post(f"{path}?text=one&status=400", None))
        assert f"FailedAnswer{found.status}" == told
    assert await texts(app) == set()
    assert log == [f"{'POST' if path == '/notes/1' else 'GET'} {path} nobody {told}"]


async def test_a_refused_commit_is_the_answer(app: Holdall, log: Log) -> None:
    client = Client(starlette_of(app))
    assert (await client.post("/notes/1?text=same", None)).status == 201
    refused = await client.post("/notes/2?text=same", None)
    assert (refused.status, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["errors"][0]["path"] == "text"


@pytest.mark.parametrize("when, status", [("late", 404), ("suppress", 204), ("replace", 404)])
async def test_the_outcome_of_middleware_is_the_answer_of_a_host(
    app: Holdall, log: Log, when: str, status: int
) -> None:
    client = Client(starlette_of(app), headers={"x-refuse": when})
    found = await (client.post("/notes/1?text=one", None) if when == "late" else client.get("/crash"))
    assert found.status == status
    assert await texts(app) == ({"crashed"} if when == "suppress" else set())  # suppressed, so all went well
