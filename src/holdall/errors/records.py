"""Errors of records and sessions."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors.root import HoldallError

__all__ = [
    "ActionUnavailable",
    "Forbidden",
    "NotFound",
    "NotLoaded",
    "Refused",
    "StateError",
]


class NotFound(HoldallError, LookupError):
    """No record answers to this key, or the user may not know of it.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def example():
    ...     async with app.session() as session:
    ...         await session.require(Book, 1)
    >>> import asyncio
    >>> asyncio.run(example())
    Traceback (most recent call last):
    holdall.errors.NotFound: no book with key 1
    """

    def __init__(self, collection: str, key: object = None, *, there: Sequence[str] = ()) -> None:
        self.collection = collection
        self.key = key
        told = f"; there are {', '.join(there)}" if there else ""
        super().__init__((f"no {collection} with key {key!r}" if key is not None else f"no such {collection}") + told)


class NotLoaded(HoldallError, AttributeError):
    """An attribute of a referenced record was read before the record was loaded: ``await`` the reference first.

    With ``is_end``, the records that refer to a ``target`` were read before they were loaded; with ``is_empty``, the
    reference leads to no record.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    >>> Book(id=1, author=7).author.name
    Traceback (most recent call last):
    holdall.errors.NotLoaded: Author is not loaded; await the reference, or session.load() it, before reading .name
    """

    def __init__(self, target: str, attribute: str, *, is_end: bool = False, is_empty: bool = False) -> None:
        self.target = target
        self.attribute = attribute
        place = f"{target}.{attribute}"
        if is_end:
            said = f"{place} is not loaded; await it, or session.load([record], {place}) first"
        elif is_empty:
            said = f"the reference leads to no {target}, so that there is no .{attribute}; ask it first: if reference:"
        else:
            said = f"{target} is not loaded; await the reference, or session.load() it, before reading .{attribute}"
        super().__init__(said)


class StateError(HoldallError, RuntimeError):
    """A record or session is in a state that does not allow this call; the message says which call does.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.session().add(Book(id=1))
    Traceback (most recent call last):
    holdall.errors.StateError: the session of add is not entered: write async with app.session() as session
    """


class Refused(HoldallError, RuntimeError):
    """A function that is called for an event refuses the commit; clients of the REST service are shown the message.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "on loan"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> @app.on(Book.created)
    ... async def keep(event):
    ...     raise Refused("a new book is on no loan")
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add(Book(id=1))
    >>> import asyncio
    >>> asyncio.run(example())
    Traceback (most recent call last):
    holdall.errors.Refused: a new book is on no loan
    """


class Forbidden(HoldallError, PermissionError):
    """The user may not do this; the message names the right, never the data.

    >>> from holdall.policy import Right
    >>> Policy(read=Nobody).demand(Right.READ, ANONYMOUS, "book")
    Traceback (most recent call last):
    holdall.errors.Forbidden: no right to read book
    """

    def __init__(self, right: str, collection: str) -> None:
        self.right = right
        self.collection = collection
        super().__init__(f"no right to {right} {collection}")


class ActionUnavailable(Forbidden):
    """An action cannot be executed by this user, or not on these records; ``reason`` says why, and ``keys`` on which.

    >>> str(ActionUnavailable("publish", "book", "it is for drafts", [7]))
    'publish is not available on book 7: it is for drafts'
    """

    def __init__(self, action: str, collection: str, reason: str, keys: Sequence[object] = ()) -> None:
        super().__init__(action, collection)
        self.action = action
        self.reason = reason
        self.keys = tuple(keys)
        which = f" {self.keys[0]!r}" if self.keys else ""
        which += f" and {len(self.keys) - 1} more" if len(self.keys) > 1 else ""
        self.args = (f"{action} is not available on {collection}{which}: {reason}",)
