"""The stand-in for values that the user of a record's session may not read."""

from __future__ import annotations

from typing import Final, NoReturn

from holdall.errors import Forbidden
from holdall.query import Value

__all__ = ["WITHHELD"]


def _refuse(_: object, *args: object) -> NoReturn:
    raise Forbidden("read", "a field that is withheld")


class _Withheld:
    """Tells nothing of the value; whatever is decided by it, computed with it or looked up in it is refused.

    >>> from holdall.model import WITHHELD
    >>> WITHHELD
    <withheld>
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<withheld>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # of a protocol that is looked for, as copying does
            raise AttributeError(name)
        _refuse(self)

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __int__ = __float__ = __index__ = _refuse
    __setattr__ = __delattr__ = __setitem__ = __delitem__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __abs__ = __round__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __and__ = __or__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rand__ = __ror__ = _refuse

    def __reduce__(self) -> str:
        return "WITHHELD"


WITHHELD: Final[Value] = _Withheld()
"""The value of a field that the user may not read. Commits never write it."""
