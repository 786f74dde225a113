"""``/_health/live`` and ``/_health/ready``: whether the process answers, and whether its stores do."""

from __future__ import annotations

import asyncio
from time import monotonic

import msgspec

from holdall.app import Holdall
from holdall.web.asgi import Scope, path_below
from holdall.web.no_method import no_method
from holdall.web.problem import Problem
from holdall.web.reply import Reply, problem_reply

__all__ = ["HealthPaths"]

_FRESH = 1.0  # seconds for which a look at the stores is good
_READS = ("GET", "HEAD")
_PREFIX = "/_health/"


class HealthPaths:
    """Answers for one application. ``is_stopping`` is set once it no longer takes requests. Example: :func:`asgi`."""

    def __init__(self, app: Holdall) -> None:
        self._app = app
        self._lock: asyncio.Lock | None = None
        self._known: tuple[float, Reply] | None = None
        self.is_started = True
        self.is_stopping = False

    async def reply(self, scope: Scope) -> Reply | None:
        """The answer, None for any other path."""
        path = path_below(scope)
        if not path.startswith(_PREFIX):
            return None
        asked = path.removeprefix(_PREFIX)
        if asked not in ("live", "ready"):
            return problem_reply(Problem(404, "not-found", "There is no such record."))
        if scope["method"] not in _READS:
            return no_method(scope["method"], _READS)
        return _told(200, {"status": "live"}) if asked == "live" else await self._ready()

    async def _ready(self) -> Reply:
        if self.is_stopping or not self.is_started:
            return _told(503, {"status": "stopping" if self.is_stopping else "starting"})
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:  # many who ask at once cost the stores one look
            if self._known is None or monotonic() - self._known[0] > _FRESH:
                health = await self._app.health()
                stores = {name: store.state.value for name, store in health.stores.items()}
                status = "ready" if health.is_well else "not ready"
                self._known = monotonic(), _told(200 if health.is_well else 503, {"status": status, "stores": stores})
            return self._known[1]


def _told(status: int, content: object) -> Reply:
    body = msgspec.json.encode(content)
    length = (b"content-length", b"%d" % len(body))
    return Reply(status, [(b"content-type", b"application/json"), length, (b"cache-control", b"no-store")], body)
