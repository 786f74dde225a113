"""The rights that there are."""

from __future__ import annotations

from enum import StrEnum

from holdall.errors import StateError

__all__ = ["Right", "right_of"]


class Right(StrEnum):
    """The rights of a policy: read, create, update, delete. Example: :class:`Policy`."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


def right_of(given: Right | str) -> Right:
    """The right of this name. Raises StateError where there is none.

    >>> right_of("update")
    <Right.UPDATE: 'update'>
    """
    if given not in [*Right]:
        raise StateError(f"there is no right {given!r}; there are {', '.join(Right)}")
    return Right(given)
