"""The operators of Python as conditions, for fields and for aggregates."""

from __future__ import annotations

from abc import abstractmethod

from holdall.query.condition import Condition, Op

__all__ = ["ComparedByOperators"]


class ComparedByOperators:
    """Writes a condition for ``== != < <= > >=``; what equals None is asked by ``is_null``."""

    __slots__ = ()

    __hash__ = object.__hash__

    @abstractmethod
    def _compare(self, op: Op, value: object) -> Condition: ...

    @abstractmethod
    def is_null(self, yes: bool = True) -> Condition:
        """Write the condition that there is no value; with False, that there is one."""

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # a condition to send, where object has bool
        return self.is_null() if value is None else self._compare(Op.EQ, value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # as __eq__
        return self.is_null(False) if value is None else self._compare(Op.NE, value)

    def __lt__(self, value: object) -> Condition:
        return self._compare(Op.LT, value)

    def __le__(self, value: object) -> Condition:
        return self._compare(Op.LE, value)

    def __gt__(self, value: object) -> Condition:
        return self._compare(Op.GT, value)

    def __ge__(self, value: object) -> Condition:
        return self._compare(Op.GE, value)
