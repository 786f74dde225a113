"""Answers to methods that an address does not have: OPTIONS lists the known ones, all others are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from holdall.web.asgi import Header
from holdall.web.body import JSON, JSON_PATCH, MERGE_PATCH
from holdall.web.problem import Problem
from holdall.web.reply import Reply, problem_reply

__all__ = ["no_method", "no_such_method"]


def no_method(method: str, known: Collection[str], posted: Iterable[bytes] = (JSON,)) -> Reply:
    """The answer for an address with the methods ``known``; ``posted`` are the media types that POST takes there.

    >>> no_method("OPTIONS", ["GET", "POST"]).headers
    [(b'allow', b'GET, OPTIONS, POST'), (b'accept-post', b'application/json')]
    """
    allowed = b"allow", ", ".join(sorted([*known, "OPTIONS"])).encode()
    if method != "OPTIONS":
        return problem_reply(no_such_method(allowed))
    patches = (MERGE_PATCH, JSON) if "POST" in known else (MERGE_PATCH, JSON, JSON_PATCH)
    taken = [(b"accept-patch", b", ".join(patches))] if "PATCH" in known else []
    taken += [(b"accept-post", b", ".join(posted))] if "POST" in known else []
    return Reply(204, [allowed, *taken])


def no_such_method(*headers: Header) -> Problem:
    """The problem of a method that does nothing here, with the header that tells which do."""
    return Problem(405, "method", "This method does nothing here.", headers=headers)
