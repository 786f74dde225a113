"""The session that hand-written code acts for, in its own task and in those it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import ref

from holdall.store.blocks import Blocks

__all__ = ["acting_for", "acting_session"]

_sessions: Blocks[Callable[[], object]] = Blocks("holdall_acting_for")


@contextmanager
def acting_for(session: object) -> Iterator[None]:
    """Act for this session within the block.

    >>> class Session:
    ...     "Stands for a session."
    >>> session = Session()
    >>> with acting_for(session):
    ...     acting_session() is session
    True
    """
    with _sessions.entered(ref(session)):
        yield


def acting_session() -> object:
    """Return the session that the caller acts for, or None. Example: :func:`acting_for`."""
    found = _sessions.current
    return None if found is None else found()
