"""The service as a FastAPI application: routes, middleware and life of the host, and a real server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, HTTPException

from holdall import Holdall, Model, field
from holdall.errors import SchemaMismatch
from holdall.testing.client import Client
from holdall.web import Problem
from holdall.web.asgi import Receive, Scope, Send
from holdall.web.operations import freezing
from tests.servers.ports import free_port
from tests.support.served import Served
from tests.support.service_of_everything import everything

pytestmark = pytest.mark.anyio


class Stamp:
    """Middleware that marks every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-stamp", b"1")]
            await send(message)

        await self._app(scope, receive, stamped)


router = APIRouter()


@router.get("/hello")
async def hello(number: int = 1) -> dict[str, int]:
    return {"number": number}


@router.get("/cities/{key}/weather")
async def weather(key: int) -> dict[str, str]:
    return {"weather": "fine"}


@router.get("/teapot")
async def teapot() -> None:
    raise HTTPException(418, headers={"X-Tea": "green"})


@router.get("/problem")
async def problem() -> None:
    raise Problem(409, "full", "There is no room left.")


@pytest.fixture
def served() -> Iterator[Served]:
    service = Served(everything("memory:"))
    service.service.include_router(router)
    with service:
        service.fill()
        yield service


def test_routes_of_the_host_live_beside_the_collections(served: Served) -> None:
    assert served.get("/hello?number=2").json() == {"number": 2}
    assert served.get("/cities/1/weather").json() == {"weather": "fine"}
    assert served.get("/cities/1").status == 200
    assert isinstance(served.service, FastAPI)


def test_failures_of_the_host_are_problems_too(served: Served) -> None:
    for url, status, code in (("/nowhere", 404, "not-found"), ("/teapot", 418, "http"), ("/problem", 409, "full")):
        answer = served.get(url)
        assert (answer.status, answer.json()["type"]) == (status, f"urn:holdall:{code}")
        assert answer.headers["content-type"] == "application/problem+json"
    assert served.get("/teapot").headers["x-tea"] == "green"
    invalid = served.get("/hello?number=x")
    assert (invalid.status, invalid.json()["errors"][0]["path"]) == (422, "query.number")


def test_middleware_wraps_collections_and_routes() -> None:
    served = Served(everything("memory:"))
    served.service.add_middleware(Stamp)
    served.service.include_router(router)
    with served:
        for url in ("/cities", "/hello", "/cities/9"):
            assert served.get(url).headers["x-stamp"] == "1"


async def test_it_can_be_mounted() -> None:
    host = FastAPI()
    inner = everything("memory:").asgi()
    host.mount("/api/v1", inner)

    client = Client(host)
    created = await client.post("/api/v1/lines", {"order": 1, "code": "a,b"})
    assert created.headers["location"] == "/api/v1/lines/1,a%2Cb"
    assert (await client.get(created.headers["location"])).json()["code"] == "a,b"
    assert (await client.get("/lines")).status == 404


def test_life_of_the_host_and_of_the_stores() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        steps.append("begin")
        yield
        steps.append("end")

    app = everything("memory:")
    with Served(app, lifespan=lifespan) as served:
        served.fill()
        assert steps == ["begin"]
    assert steps == ["begin", "end"]


async def test_it_does_not_start_on_tables_that_do_not_fit(tmp_path: Path) -> None:
    class Book(Model, collection="books"):
        id: int = field(pk=True)

    app = Holdall("unfit")
    app.add_store("main", f"sqlite:///{tmp_path / 'unfit.db'}")
    app.add(Book, store="main")
    api = app.asgi()  # nobody creates the table

    with pytest.raises((RuntimeError, SchemaMismatch)):
        async with Client(api):
            pass


def test_a_failure_tells_its_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    app = everything("memory:")
    with Served(app) as served:

        async def fetch(query: object) -> object:
            raise RuntimeError("SELECT secret FROM /etc/passwd")

        app.stores["main"].fetch = fetch  # type: ignore[method-assign, assignment]
        answer = served.get("/cities")
    assert answer.status == 500
    assert answer.json()["instance"] in caplog.text
    assert b"SELECT" not in answer.body
    assert b"Traceback" not in answer.body


def test_the_page_to_try_it_needs_nobody_else(served: Served) -> None:
    page = served.get("/docs")
    assert page.status == 200
    assert b"//" not in page.body.replace(b"<!doctype html>", b"")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"):
        assert served.get(f"/docs/{name}").status == 200
    assert served.get("/docs/../secret").status == 404
    with Served(everything("memory:"), docs=False) as quiet:
        assert quiet.get("/docs").status == 404


SERVER = """
import os
from tests.support.service_of_everything import everything
app = everything(os.environ["STORE"]).asgi(create=True, body_seconds=0.5)
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "served_here.py").write_text(SERVER)
    number = free_port()
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "uvicorn", "served_here:app", "--port", str(number), "--log-level", "warning"]
    environment = {
        "STORE": f"sqlite:///{tmp_path / 'x.db'}",
        "PYTHONPATH": f"{tmp_path}:{root}:{root / 'src'}",
        "PATH": "",
    }
    process = subprocess.Popen(command, env=environment, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", number), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield number
    finally:
        process.terminate()
        assert process.wait(10) is not None


def test_behind_a_real_server(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection.request(method, url, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    status, body, headers = ask("POST", "/lines", b'{"order":7,"code":"a/b"}', content_type="application/json")
    assert (status, headers["location"]) == (201, "/lines/7,a%2Fb")
    status, read, headers = ask("GET", headers["location"])
    assert (status, read) == (200, body)
    assert ask("GET", "/lines/7,a%2Fb", if_none_match=headers["etag"])[0] == 304
    assert ask("HEAD", "/lines")[:2] == (200, b"")
    assert ask("POST", "/lines", b"{", content_type="application/json")[0] == 400
    assert ask("POST", "/lines", b"x" * (2**20 + 1))[0] == 413
    connection.close()
    assert ask("GET", "/lines?page_size=1")[0] == 200
    assert ask("DELETE", "/lines/7,a%2Fb")[:2] == (204, b"")
    connection.close()


def test_a_client_that_dawdles_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(b"POST /lines HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert b" 408 " in slow.recv(1_000)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as gone:
        gone.sendall(b"POST /lines HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/lines")
    assert connection.getresponse().status == 200
    connection.close()


async def test_what_is_there_at_the_start_is_frozen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(freezing, "_frozen", False)
    monkeypatch.setattr("gc.collect", lambda: done.append("collect"))
    monkeypatch.setattr("gc.freeze", lambda: done.append("freeze"))
    for options, expected in (({"freeze": False}, []), ({}, ["collect", "freeze"]), ({}, ["collect", "freeze"])):
        async with Client(Holdall("frozen").asgi(**options)):
            assert done == expected
