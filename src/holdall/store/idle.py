"""Idle connections: whether the other side has said something on one since it was put by, its end for instance."""

from __future__ import annotations

import asyncio
import select
from typing import Any

__all__ = ["has_news"]


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
