"""Requests of Flask: each one is a context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, abort, g, request

from holdall import SYSTEM, Holdall, Model, Service, SyncContext, User, field
from holdall.errors import CommitAborted, DeclarationError
from holdall.flask import add_contexts


class Note(Model):
    id: int = field(pk=True)
    text: str = field(default="", unique=True)


class Notes(Service):
    async def put(self, key: int, text: str) -> Note:
        return self.session.add(Note(id=key, text=text))


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("notes")
    made.add_store("main", "memory:")
    made.add(Note, store="main")
    made.add_services(notes=Notes())
    yield made
    made.sync.close()


@pytest.fixture
def seen(app: Holdall) -> list[str]:
    log: list[str] = []

    @app.middleware
    def around(context: SyncContext) -> Iterator[None]:
        asked = f"{context.meta.get('method')} {context.meta.get('path')} {context.user.id}"
        try:
            yield
            log.append(asked)
        except BaseException as error:
            log.append(f"{asked} {type(error).__name__}")
            if not context.meta.get("headers", {}).get("x-suppress"):
                raise

    return log


@pytest.fixture
def client(app: Holdall) -> Any:
    host = Flask("notes")

    def user() -> User:
        return User(g.name, unrestricted=True)

    @host.before_request
    def know() -> None:
        g.name = request.headers.get("x-user", "nobody")
        assert app.sync.active_context is None

    add_contexts(host, app, user=user)

    @host.post("/notes/<int:key>")
    def put(key: int) -> dict[str, str]:
        context = app.sync.require_context()
        context.dal.notes.put(key, request.args.get("text", ""))
        return {"client": str(context.meta.client), "query": context.meta.query}

    @host.get("/fail")
    def fail() -> str:
        app.sync.require_context().session.add(Note(id=50, text="failed"))
        abort(409)

    @host.errorhandler(CommitAborted)
    def refused(error: CommitAborted) -> tuple[str, int]:
        return "refused", 409

    return host.test_client()


def texts(app: Holdall) -> set[str]:
    with app.sync.session() as session:
        return {note.text for note in session.query(Note.where())}


def test_a_request_is_one_context(app: Holdall, seen: list[str], client: Any) -> None:
    answer = client.post("/notes/1?text=one", headers={"x-user": "ann"})
    assert answer.json == {"client": "127.0.0.1", "query": "text=one"}
    assert texts(app) == {"one"}
    assert seen == ["POST /notes/1 ann"]
    assert app.sync.active_context is None


def test_an_exception_rolls_back(app: Holdall, seen: list[str], client: Any) -> None:
    assert client.get("/fail").status_code == 409
    assert client.get("/nowhere").status_code == 404
    assert texts(app) == set()
    assert seen == ["GET /fail nobody Conflict", "GET /nowhere nobody NotFound"]


def test_a_refused_commit_comes_to_the_hosts_error_handlers(app: Holdall, seen: list[str], client: Any) -> None:
    assert client.post("/notes/1?text=same").status_code == 200
    answer = client.post("/notes/2?text=same")
    assert (answer.status_code, answer.text) == (409, "refused")
    assert texts(app) == {"same"}


def test_a_suppressed_exception_is_an_empty_answer(app: Holdall, seen: list[str], client: Any) -> None:
    assert client.get("/fail", headers={"x-suppress": "1"}).status_code == 204


def test_what_is_no_user_is_refused(app: Holdall) -> None:
    with pytest.raises(DeclarationError, match="user="):
        add_contexts(Flask("one"), app, user="ann")  # type: ignore[arg-type]
    add_contexts(Flask("one"), app, user=SYSTEM)
