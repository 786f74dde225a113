"""Errors of records and sessions."""

from __future__ import annotations

from holdall.errors.root import HoldallError

__all__ = [
    "Forbidden",
    "NotFound",
    "NotLoaded",
    "StateError",
]


class NotFound(HoldallError, LookupError):
    """No record answers to this key, or the user may not know of it."""

    def __init__(self, collection: str, key: object = None) -> None:
        self.collection = collection
        self.key = key
        super().__init__(f"no {collection} with key {key!r}" if key is not None else f"no such {collection}")


class NotLoaded(HoldallError, AttributeError):
    """An attribute of a referenced record was read before the record was loaded: ``await`` the reference first.

    With ``is_end``, the records that refer to a ``target`` were read before they were loaded.
    """

    def __init__(self, target: str, attribute: str, *, is_end: bool = False) -> None:
        self.target = target
        self.attribute = attribute
        place = f"{target}.{attribute}"
        super().__init__(
            f"{place} is not loaded; await it, or session.load([record], {place}) first"
            if is_end
            else f"{target} is not loaded; await the reference, or session.load() it, before reading .{attribute}"
        )


class StateError(HoldallError, RuntimeError):
    """A record or session is in a state that does not allow this call; the message says which call does."""


class Forbidden(HoldallError, PermissionError):
    """The user may not do this; the message names the right, never the data."""

    def __init__(self, right: str, collection: str) -> None:
        self.right = right
        self.collection = collection
        super().__init__(f"no right to {right} {collection}")
