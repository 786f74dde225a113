"""The root of the tree, and what is raised at start."""

from __future__ import annotations

__all__ = [
    "DeclarationError",
    "HoldallError",
]


class HoldallError(Exception):
    """The root of every error Holdall raises.

    >>> from holdall.errors import HoldallError, NotFound
    >>> issubclass(NotFound, HoldallError)
    True
    """

    __module__ = "holdall.errors"

    @property
    def is_retryable(self) -> bool:
        """Whether the same work may succeed if it is done anew in another session, from its reading on."""
        return False

    def __init_subclass__(cls) -> None:
        """Name the errors of this package in tracebacks by the door at which programs import them."""
        super().__init_subclass__()
        if cls.__module__.startswith("holdall.errors."):
            cls.__module__ = "holdall.errors"


class DeclarationError(HoldallError, TypeError):
    """A model, a field, a collection or a store is declared in a way that cannot work; raised at start, never later.

    >>> Holdall("library").add(Model, store="main")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: there is no store 'main'; add it with add_store('main', url)
    """
