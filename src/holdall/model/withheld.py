"""The stand-in for values that the user of a record's session may not read."""

from __future__ import annotations

from typing import Final, NoReturn

from holdall.errors import Forbidden
from holdall.query import Value

__all__ = ["WITHHELD"]


class _Withheld:
    """Tells nothing of the value; whatever is decided by it is refused.

    >>> from holdall.model import WITHHELD
    >>> WITHHELD
    <withheld>
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<withheld>"

    def __bool__(self) -> NoReturn:
        raise Forbidden("read", "a field that is withheld")

    def __reduce__(self) -> str:
        return "WITHHELD"


WITHHELD: Final[Value] = _Withheld()
"""The value of a field that the user may not read. Commits never write it."""
