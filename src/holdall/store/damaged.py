"""The mark in a row for a stored value that cannot be read."""

from __future__ import annotations

import msgspec

__all__ = ["Damaged"]


class Damaged(msgspec.Struct, frozen=True):
    """A stored value that its field cannot be; ``reason`` goes on after "it" in a sentence and never repeats the value.

    A store that finds one raises CorruptRecord, with the rows of the whole answer where it has read the others.

    >>> Damaged("is no number").reason
    'is no number'
    """

    reason: str
