"""Parts of an object that are made when they are first asked for, as most sessions need few of theirs.

Not for values that threads ask for at the same time: then ``functools.cached_property`` has no lock, either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar, overload

from holdall.query import Value

__all__ = ["MadeOnce"]

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """An attribute that ``make`` gives its value from the object, once; from then on it is like any other.

    The look costs less than that of ``functools.cached_property``, which takes a lock and makes a dictionary.

    >>> class Page:
    ...     lines = MadeOnce(lambda page: ["first"])
    >>> page = Page()
    >>> page.lines is page.lines, page.lines
    (True, ['first'])
    """

    __slots__ = ("_make", "_name")

    def __init__(self, make: Callable[[Value], T]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> T | Self:
        if owner is None:
            return self
        made = self._make(owner)
        setattr(owner, self._name, made)
        return made
