"""The session that hand-written code acts for, in its own task and in those it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import ref

__all__ = ["acting_for", "acting_session"]

_session: ContextVar[Callable[[], object] | None] = ContextVar("holdall_acting_for", default=None)


@contextmanager
def acting_for(session: object) -> Iterator[None]:
    """Within the block, what is called acts for this session."""
    token = _session.set(ref(session))  # connections opened meanwhile keep their context for ever
    try:
        yield
    finally:
        _session.reset(token)


def acting_session() -> object:
    """The session the caller acts for, or None."""
    found = _session.get()
    return None if found is None else found()
