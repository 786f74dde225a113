"""Options of references: the treatment of records that refer, and where the other end gets its records from."""

from __future__ import annotations

from enum import Enum

__all__ = ["Fill", "OnDelete"]


class OnDelete(Enum):
    """The treatment of records that refer to one that is removed.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author] = field(on_delete=OnDelete.CASCADE)
    """

    RESTRICT = "restrict"  # the removal is refused
    CASCADE = "cascade"  # they are removed too
    UNLINK = "unlink"  # their references are emptied


class Fill(Enum):
    """Where the other end of a reference gets its records from.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     books: Many["Book"] = back("author", fill=Fill.STORED)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    """

    COMPUTED = "computed"  # asked of the references that lead here, each time
    STORED = "stored"  # their keys are kept in this record too, by every commit that changes such a reference
