"""The mark of a collection: what is indexed, what of all that lies beside its records was not empty, and the format.

``title unique,isbn|11011#1`` says that format 1 is that of the mark and of all that lies beside the records, whose keys
``layout`` names, in their order. A mark without a number is of format 1. A later format gets a greater number and ends
its mark with it; where it lists the records in another form it lists them at another key, so that code which
reads a page of them without a look at the mark finds nothing there, looks at the mark and refuses. ``read_mark.lua``
reads the same.
"""

from __future__ import annotations

from typing import NamedTuple

from holdall.errors import UnknownFormat

__all__ = ["MARK_FORMAT", "Mark", "read_mark"]

MARK_FORMAT = 1


class Mark(NamedTuple):
    """The content of a mark: the indexes, and a ``1`` for each thing beside the records that was not empty."""

    declared: str
    told: str


def read_mark(store: str, key: str, stored: bytes) -> Mark:
    """The mark at this key. Raises UnknownFormat for one that another version of Holdall wrote."""
    declared, _, rest = stored.decode().partition("|")
    told, _, number = rest.partition("#")
    if number and number != str(MARK_FORMAT):
        raise UnknownFormat(store, key, int(number) if number.isdigit() else None, MARK_FORMAT)
    return Mark(declared, told)
