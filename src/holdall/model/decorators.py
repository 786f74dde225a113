"""Decorators of methods in a class body: ``@check`` for rules over several fields, ``@computed`` for values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

__all__ = ["Check", "check", "computed"]

F = TypeVar("F", bound=Callable[..., Any])


class Check(msgspec.Struct):
    """A rule over several fields of a record, as a method of its model."""

    function: Callable[[Any], Any]
    fields: tuple[str, ...] = ()


@overload
def check(function: F, /) -> F: ...


@overload
def check(function: str, /, *fields: str) -> Callable[[F], F]: ...


def check(function: Any, /, *fields: str) -> Any:
    """Declare a method as a rule over several fields: ``@check`` or ``@check("pages", "isbn")``.

    The method returns None where the rule holds and a sentence where it does not; raising ValueError with a sentence
    does too. The rule runs when a record is constructed and again when the record is committed.

    >>> class Stay(Model):
    ...     id: int = field(pk=True)
    ...     first: int
    ...     last: int
    ...     @check
    ...     def order(self) -> str | None:
    ...         return "ends before it begins" if self.last < self.first else None
    >>> Stay(id=1, first=3, last=2)
    Traceback (most recent call last):
    holdall.errors.ValidationError: Stay is not valid: Stay: ends before it begins
    """
    if callable(function):
        return Check(function)
    return lambda method: Check(method, (function, *fields))


if TYPE_CHECKING:
    computed = property
else:

    class computed:  # noqa: N801 - reads as the decorator it is
        """Declare a method as a computed value: it reads like a field and shows in replies, and is never stored.

        >>> class Room(Model):
        ...     id: int = field(pk=True)
        ...     width: int
        ...     length: int
        ...
        ...     @computed
        ...     def area(self) -> int:
        ...         return self.width * self.length
        >>> Room(id=1, width=3, length=4).area
        12
        """

        def __init__(self, function: Callable[[Any], Any]) -> None:
            self.function = function
