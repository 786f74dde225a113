"""Flask: each request of a Flask application is one context of a Holdall. Nothing here imports Flask by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.query import Value

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["add_contexts"]


def add_contexts(host: Flask, app: Holdall, *, user: User | Callable[[], User]) -> None:
    """Call each view function of a Flask application in a context of its own.

    Within it ``app.sync.require_context()`` gives the context, with its session, resources and services. The context
    ends when the function has returned, so that a refused commit, as any other exception, comes to the host's own error
    handlers; exceptions roll back. ``user`` is for whom the context acts: a User, or a function that reads Flask's
    ``request`` or ``g``; ``SYSTEM`` stands for the program itself, which may do everything. Functions of
    ``before_request`` run before the context begins. Raises DeclarationError for what is no user.

    >>> from flask import Flask
    >>> from holdall import SYSTEM, Holdall, Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> host = Flask("library")
    >>> add_contexts(host, app, user=SYSTEM)
    >>> @host.post("/books/<int:key>")
    ... def create(key: int) -> dict[str, int]:
    ...     app.sync.require_context().session.add(Book(id=key))
    ...     return {"id": key}
    >>> host.test_client().post("/books/1").json
    {'id': 1}
    >>> with app.sync.session() as session:
    ...     session.query(Book.where())
    [Book(id=1)]
    >>> app.sync.close()
    """
    if not isinstance(user, User) and not callable(user):
        raise DeclarationError(f"user= takes a User, or a function that returns one, not {type(user).__name__}")
    dispatch: Callable[..., Value] = host.dispatch_request

    def dispatch_request(*args: Value) -> Value:
        with app.sync.context(_meta(), user=user if isinstance(user, User) else user()):
            return host.make_response(dispatch(*args))
        return host.response_class(status=204)  # middleware suppressed an exception

    # Flask calls it within the part of a request whose exceptions its error handlers see
    host.dispatch_request = dispatch_request  # type: ignore[method-assign]  # Flask's own way to wrap it


def _meta() -> dict[str, Value]:
    from flask import request

    return {
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode("latin-1"),
        "client": request.remote_addr,
        "headers": {name.lower(): value for name, value in request.headers.items()},
    }
