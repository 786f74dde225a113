"""Ids of requests: those that clients give, where they are well-formed, and made ones, cheap and unique."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count

from holdall.web.asgi import Scope, header

__all__ = ["REQUEST_ID", "current_request_id", "request_id_of"]

REQUEST_ID: ContextVar[bytes | None] = ContextVar("holdall_request_id", default=None)
"""The id of the request that this task answers."""

_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


def current_request_id() -> str | None:
    """Return the id of the request that is being answered, None outside of one; for logs of your own.

    >>> current_request_id() is None
    True
    """
    known = REQUEST_ID.get()
    return None if known is None else known.decode()


def request_id_of(scope: Scope, name: bytes) -> bytes:
    """The id that a request has in this header, if it is well-formed; else a new one."""
    given = header(scope, name)
    return next(_made.ids) if given is None or _WELL_FORMED.fullmatch(given) is None else given


class _Made:
    """Makes ids: a random prefix of the process, and a number."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Take another prefix, as a process that was forked must."""
        numbered = os.urandom(8).hex().encode() + b"-%x"
        self.ids: Iterator[bytes] = map(numbered.__mod__, count(1))


_made = _Made()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_made.renew)
