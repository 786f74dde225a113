"""The contexts that requests are, and their meta data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from holdall.app import Holdall
from holdall.policy import User
from holdall.query import Value
from holdall.service import Context, Meta, active_core
from holdall.session import Session
from holdall.web.asgi import Headers, Scope
from holdall.web.jobs import ActionJobs

__all__ = ["RequestContexts", "request_meta"]


def request_meta(scope: Scope, **more: Value) -> Meta:
    """The meta data of a request: ``method``, ``path``, ``query``, ``client``, ``headers`` by lower case names, and
    these ``more``.
    """
    return Meta.trusted(
        {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope.get("query_string", b"").decode("latin-1"),
            "client": (scope.get("client") or (None,))[0],
            "headers": _Headers(scope["headers"]),
            **more,
        }
    )


class _Headers(Mapping[str, str]):
    """Headers by lower case names, read when they are first asked for; the last of those with one name."""

    def __init__(self, raw: Headers) -> None:
        self._raw = raw

    @cached_property
    def _values(self) -> dict[str, str]:
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._raw}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class RequestContexts:
    """The contexts of requests of an application's collections.

    Such a request has a session of its own, which it commits or only rehearses; a context stands around it where
    anything stands around contexts.
    """

    def __init__(self, app: Holdall, jobs: ActionJobs) -> None:
        self._app = app
        self.jobs = jobs
        self._registry = app.registry
        self.middleware = app.registry.middleware  # what stands around contexts

    @property
    def are_needed(self) -> bool:
        """Whether anything stands around contexts."""
        return bool(self._registry.middleware)

    def open(self, scope: Scope, user: User) -> Context:
        """A context for a request."""
        return self._app.context(request_meta(scope), user=user)

    @contextmanager
    def acting(self, session: Session) -> Iterator[object]:
        """Within the block, the context that was opened for a request is at work in this session; None without one."""
        core = active_core(self._registry) if self.are_needed else None
        if core is None:
            yield None
            return
        with core.using(session):
            yield core
