"""Clients that others make of the document talk to the service: in TypeScript, in Python, and react-admin's own.

``make clients`` runs them; they are fetched from npm and PyPI into ``build/clients``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import venv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.web.views import AsyncReactAdminView, include_view

HERE = Path(__file__).parents[1] / "support" / "clients"
BUILD = HERE.parents[2] / "build" / "clients"

pytestmark = [
    pytest.mark.skipif("CLIENTS" not in os.environ, reason="make clients tries generated clients"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no node on this machine"),
]


class Article(Model, collection="articles"):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 20))
    price: Decimal | None = field(default=None, digits=8, places=2)
    tags: list[str] = field(default_factory=list)
    version: int = field(version=True)


class Articles(AsyncReactAdminView[Article]):
    prefix, model = "/admin/articles", Article


@pytest.fixture(scope="module")
def service() -> Any:
    app = Holdall("shop")
    app.add_store("main", "sqlite://")
    app.add(Article, store="main", policy=Policy(read=Everyone, write=Everyone))
    made = app.asgi(create=True)
    include_view(made, Articles)
    return made


@pytest.fixture(scope="module")
def url(service: Any) -> Iterator[str]:
    """The service on a port of this machine, in a thread."""
    server = uvicorn.Server(uvicorn.Config(service, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def document(service: Any) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "openapi.json"
    path.write_text(json.dumps(service.openapi()))
    return path


@pytest.fixture(scope="module")
def packages() -> Path:
    """A folder with the packages of node."""
    for name in ("package.json", "client.ts", "admin.mjs"):
        BUILD.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name, BUILD / name)
    run("npm", "install", "--no-audit", "--no-fund", "--silent")
    return BUILD


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def test_openapi_typescript(packages: Path, document: Path, url: str) -> None:
    run("npx", "openapi-typescript", str(document), "-o", "schema.d.ts")
    run(
        "npx", "tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--skipLibCheck",
        "client.ts",
    )  # fmt: skip
    assert run("node", "client.js", url).strip() == "done"


def test_a_program_that_does_not_fit_the_document_does_not_compile(packages: Path, document: Path) -> None:
    run("npx", "openapi-typescript", str(document), "-o", "schema.d.ts")
    text = (HERE / "client.ts").read_text()
    (BUILD / "wrong.ts").write_text(text.replace('name: "Lamp", price', 'title: "Lamp", price'))
    with pytest.raises(AssertionError, match="title"):
        run("npx", "tsc", "--strict", "--noEmit", "--module", "nodenext", "--types", "node", "wrong.ts")


def test_react_admin(packages: Path, url: str) -> None:
    assert run("node", "admin.mjs", f"{url}/admin").strip() == "done"


def test_openapi_python_client(document: Path, url: str) -> None:
    place = BUILD / "python"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        run(str(python), "-m", "pip", "install", "-q", "openapi-python-client")
    made = run(
        str(place / "bin" / "openapi-python-client"), "generate", "--path", str(document), "--output-path", "package",
        "--overwrite",
    )  # fmt: skip
    assert "Endpoint will not be generated" not in made
    shutil.copy(HERE.parent / "python_client.py", BUILD / "package" / "python_client.py")
    assert run(str(python), "package/python_client.py", url).strip() == "done"
