"""A resource that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["ValueResource"]

T = TypeVar("T")


class ValueResource(Generic[T]):
    """A resource that needs no opening and no closing: settings, a client that lives as long as the program.

    >>> app = Holdall("library")
    >>> app.add_resources(settings=ValueResource({"fee": 50}))
    >>> with app.sync.context() as context:
    ...     context.settings["fee"]
    50
    """

    def __init__(self, value: T) -> None:
        self.value = value

    def __call__(self, context: object) -> Iterator[T]:
        """Give the value."""
        yield self.value
