"""Limits of traffic: how many requests are answered at once, and how many of one client in a second."""

from __future__ import annotations

from time import monotonic

from holdall.web.asgi import Scope
from holdall.web.problem import Problem

__all__ = ["Limits"]

_CLIENTS = 10_000  # that are remembered
_SOON = ((b"retry-after", b"1"),)  # seconds
_FULL = Problem(503, "overloaded", "More requests are being answered than may be; repeat it.", headers=_SOON)
_TOO_MANY = Problem(429, "too-many-requests", "This client sends too many requests; repeat it later.", headers=_SOON)


class Limits:
    """Refuses requests: more than ``most`` at once, and of each client more than ``rate`` in a second, if it is given.

    ``count`` is how many are being answered.

    >>> limits = Limits(most=1, rate=None)
    >>> limits.refusal({})
    >>> limits.count += 1
    >>> limits.refusal({}).status
    503
    """

    def __init__(self, most: int, rate: float | None) -> None:
        self.most = most
        self.rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}
        self.count = 0

    def refusal(self, scope: Scope) -> Problem | None:
        """Return why a request may not begin; None where it may."""
        if self.count >= self.most:
            return _FULL
        if self.rate is not None and not self._has_token(scope, self.rate):
            return _TOO_MANY
        return None

    def _has_token(self, scope: Scope, rate: float) -> bool:
        """Take a token of the client's bucket, which holds those of one second."""
        client = scope.get("client") or ("",)
        name, now = str(client[0]), monotonic()
        most = max(rate, 1.0)
        tokens, since = self._buckets.pop(name, (most, now))
        tokens = min(most, tokens + (now - since) * rate)
        has_one = tokens >= 1
        self._buckets[name] = tokens - has_one, now
        if len(self._buckets) > _CLIENTS:
            del self._buckets[next(iter(self._buckets))]  # who was away for longest
        return has_one
