"""How many places an IN list takes in a compiled text, and so in the shape it is kept under."""

from __future__ import annotations

__all__ = ["bucket", "some"]


def bucket(length: int) -> int:
    """The next power of two: how many places an IN list of this length gets where each value needs its own."""
    return 1 << (length - 1).bit_length() if length else 0


def some(length: int) -> int:
    """None, one or several: where one parameter carries the whole list."""
    return min(length, 2)
