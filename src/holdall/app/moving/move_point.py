"""Named places in a move where a test may make the process stop; they do nothing otherwise."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MovePoint"]


class MovePoint(StrEnum):
    """Every boundary between two steps of a move, in the order they are passed. Example: :func:`armed`."""

    NOTED = "all writers note what they change"
    COPIED = "a batch is copied"
    CLOSED = "writers wait"
    SWITCHING = "there is no way back"
    LIFTED = "the target is open"
