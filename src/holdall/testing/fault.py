"""Faults between a client and a server on the network."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Fault", "FaultSetting"]


class Fault(StrEnum):
    """One way in which a connection fails. A request is what the client sends, an answer what the server sends.

    Example: :class:`FaultProxy`.
    """

    NONE = "pass"
    """Everything is passed on."""
    REFUSE = "refuse"
    """New connections are refused, those that are open are reset."""
    RESET_REQUEST = "reset before send"
    """The connection is reset when a request comes; nothing of it reaches the server."""
    RESET_ANSWER = "reset after send"
    """The request reaches the server, but instead of an answer the connection is reset."""
    CUT_REQUEST = "cut request"
    """So many bytes of the request reach the server, then the connection is reset."""
    CUT_ANSWER = "cut answer"
    """So many bytes of the answer reach the client, then the connection is reset."""
    HANG_REQUEST = "hang before send"
    """The request goes nowhere until the proxy is healed; then it reaches the server, late."""
    HANG_ANSWER = "hang after send"
    """The request reaches the server, and its answer goes nowhere until the proxy is healed."""
    SLOW = "slow"
    """Everything goes in small pieces with a delay before each."""
    GARBAGE = "garbage"
    """The client gets as many bytes as the server sent, but others."""


class FaultSetting(msgspec.Struct, frozen=True):
    """A fault, and when and how it strikes.

    The fault strikes from the request with number ``after`` (counted from 0, over all connections) on. ``size`` is in
    bytes: what CUT lets through, and a piece of SLOW. ``delay`` is in seconds.

    Example: :class:`FaultProxy`.
    """

    fault: Fault = Fault.NONE
    after: int = 0
    size: int = 16
    delay: float = 0.01
