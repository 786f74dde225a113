"""Options of the connections to a server, under the same words in every store that has one."""

from __future__ import annotations

import msgspec

from holdall.errors import DeclarationError

__all__ = ["PoolOptions"]

_WORDS = ("acquire_timeout", "connect_timeout", "timeout", "recycle", "idle_timeout")


class PoolOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the connections to a server are used; all times are in seconds.

    At most ``connections`` are open, per event loop and server. ``acquire_timeout`` bounds the wait for a free one,
    ``connect_timeout`` the making of one, ``timeout`` each statement, looked at ten times a second. Other words, of
    single stores: ``recycle``, the age at which a connection is replaced; ``idle_timeout``, after which an idle one is
    closed; ``ping_after``, after which an idle one is asked for a sign of life before it is used. None keeps
    connections of any age.

    >>> PoolOptions(connections=0)
    Traceback (most recent call last):
    holdall.errors.DeclarationError: connections must be above zero
    """

    connections: int = 10
    acquire_timeout: float = 10.0
    connect_timeout: float = 10.0
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise DeclarationError("connections must be above zero")
        for word in _WORDS:
            seconds = getattr(self, word, None)
            if seconds is not None and not seconds > 0:
                raise DeclarationError(f"{word} is a number of seconds above zero")
        if not getattr(self, "ping_after", 0.0) >= 0:
            raise DeclarationError("ping_after must not be below zero")
