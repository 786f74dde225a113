"""Idle connections: whether the other side has said something on one since it was put by, and how one is ended."""

from __future__ import annotations

import asyncio
import select
from contextlib import suppress
from typing import Any

__all__ = ["end_transport", "has_news"]


def has_news(transport: asyncio.BaseTransport | None) -> bool:
    """Whether there is anything to read, an end or an error on the transport's socket; also where nobody can tell.

    The call asks the system and does not wait, as the event loop may have had no time to read what has come.

    >>> has_news(None)
    True
    """
    found: Any = None if transport is None or transport.is_closing() else transport.get_extra_info("socket")
    if found is None or not hasattr(select, "poll"):
        return True
    poll = select.poll()
    try:
        poll.register(found.fileno(), select.POLLIN)
    except (OSError, ValueError):
        return True  # it is closed
    return bool(poll.poll(0))


def end_transport(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection at once, also where its event loop has ended, which would leave the socket open.

    >>> end_transport(None)
    """
    if transport is None:
        return
    with suppress(OSError, RuntimeError):  # its loop has ended
        transport.close()
    if isinstance(transport, asyncio.Transport) and _has_ended(transport):
        below: Any = getattr(transport, "_ssl_protocol", transport)  # of TLS, the transport that it goes through
        _close_socket(getattr(below, "_transport", None) or transport)


def _has_ended(transport: Any) -> bool:
    loop = getattr(transport, "_loop", None)
    return loop is not None and loop.is_closed()


def _close_socket(transport: Any) -> None:
    """Close the socket of a transport of asyncio's own, which leaves it to the collection of garbage.

    The transports of other loops have closed theirs with the loop.
    """
    found = getattr(transport, "_sock", None)
    if found is not None:
        transport._sock = None
        found.close()
