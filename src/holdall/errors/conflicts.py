"""Conflicts: errors of stores that refuse a change because of what they hold already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from holdall.errors.stores import StoreError

__all__ = [
    "AlreadyExists",
    "CheckViolation",
    "Conflict",
    "Holder",
    "LockConflict",
    "ReferenceViolation",
    "Refusal",
    "Reserved",
    "StaleVersion",
    "StillReferenced",
    "UniqueViolation",
]


class Conflict(StoreError):
    """A change is refused because of what the store already holds; ``position`` is the change's index, if known.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def add():
    ...     async with app.session() as session:
    ...         session.add(Book(id=1))
    >>> import asyncio
    >>> asyncio.run(add())
    >>> from holdall.errors import CommitAborted
    >>> try:
    ...     asyncio.run(add())
    ... except CommitAborted as error:
    ...     print(type(error.__cause__).__name__)
    AlreadyExists
    """

    def __init__(self, store: str, message: str, position: int | None = None) -> None:
        self.position = position
        super().__init__(store, message)


class UniqueViolation(Conflict):
    """Another record already has these values in fields declared unique.

    >>> str(UniqueViolation("main", "book", ["isbn"]))
    "store 'main': another book already has this isbn"
    """

    def __init__(self, store: str, collection: str, fields: Sequence[str], position: int | None = None) -> None:
        self.collection = collection
        self.fields = tuple(fields)
        named = f"this {', '.join(self.fields)}" if self.fields else "one of its unique values"
        super().__init__(store, f"another {collection} already has {named}", position)


class AlreadyExists(UniqueViolation):
    """A record with this key is already there. Example: :class:`Conflict`."""


class CheckViolation(Conflict):
    """Values break a CHECK of the store's own: ``constraint`` names it, ``fields`` are those that it looks at.

    >>> error = CheckViolation("main", "book", "price_is_positive", ["price"])
    >>> str(error)
    "store 'main': the rule 'price_is_positive' refuses the values of book.price"
    """

    def __init__(
        self, store: str, collection: str, constraint: str, fields: Sequence[str] = (), position: int | None = None
    ) -> None:
        self.collection = collection
        self.constraint = constraint
        self.fields = tuple(fields)
        named = ", ".join([f"{collection}.{name}" for name in self.fields]) or collection
        super().__init__(store, f"the rule {constraint!r} refuses the values of {named}", position)


class ReferenceViolation(Conflict):
    """A reference points at nothing, or a record that is still referred to was to be removed.

    >>> str(ReferenceViolation("main", "book", ["author"]))
    "store 'main': book.author would refer to a record that is not there"
    """

    def __init__(self, store: str, collection: str, fields: Sequence[str] = (), position: int | None = None) -> None:
        self.collection = collection
        self.fields = tuple(fields)
        named = ", ".join([f"{collection}.{name}" for name in self.fields]) or f"a reference of {collection}"
        super().__init__(store, f"{named} would refer to a record that is not there", position)


class Refusal(msgspec.Struct, frozen=True):
    """Records that stand in the way of a removal: whose, by which reference, how many, some of their keys.

    ``is_more`` if counting ended at ``number``.

    >>> str(Refusal("book", "author", "author", 2, (1, 2)))
    '2 book (1, 2) refer to what is removed from author by author'
    """

    collection: str
    field: str
    target: str
    number: int
    keys: tuple[object, ...] = ()
    is_more: bool = False

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.keys))
        some = f" ({shown}{', …' if self.number > len(self.keys) else ''})" if shown else ""
        count = f"{'more than ' if self.is_more else ''}{self.number}"
        return f"{count} {self.collection}{some} refer to what is removed from {self.target} by {self.field}"


class StillReferenced(ReferenceViolation):
    """Records still refer to one that was to be removed; ``refusals`` counts them, reference by reference.

    >>> error = StillReferenced("main", [Refusal("book", "author", "author", 2, (1, 2))])
    >>> error.refusals[0].number, error.fields
    (2, ('book.author',))
    """

    def __init__(self, store: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        self.collection = self.refusals[0].target
        self.fields = tuple([f"{refusal.collection}.{refusal.field}" for refusal in self.refusals])
        message = "; ".join(map(str, self.refusals)) + "; remove them first, or declare on_delete"
        Conflict.__init__(self, store, message)


class StaleVersion(Conflict):
    """The record was changed or removed by somebody else since it was read: refresh it and repeat the edit.

    >>> StaleVersion("main", "book", 1).key
    1
    """

    def __init__(self, store: str, collection: str, key: object, position: int | None = None) -> None:
        self.collection = collection
        self.key = key
        changed = f"{collection} {key!r} was changed or removed since it was read"
        super().__init__(store, f"{changed}; refresh() it, or ask for it in another session, and repeat", position)

    @property
    def is_retryable(self) -> bool:
        """True: what is read anew is as it is now."""
        return True


class Holder(Protocol):
    """A commit over several stores that holds something: see ``holdall.store.Reservation``.

    Example: :class:`Reserved`.
    """

    @property
    def commit(self) -> str:
        """Its id."""
        ...

    @property
    def application(self) -> str:
        """The application that made it."""
        ...

    @property
    def place(self) -> str:
        """Where its journal is, in words."""
        ...

    @property
    def format(self) -> int:
        """The number of the format in which the store keeps it."""
        ...

    @property
    def is_readable(self) -> bool:
        """Whether this Holdall knows that format."""
        ...


class LockConflict(Conflict):
    """Somebody else holds a lock for too long, or two commits waited for each other: repeat the commit.

    ``collection`` is where that happened, if known. The holder may be a prepared transaction of a dead process.

    >>> str(LockConflict("main", "two commits waited for each other", collection="book"))
    "store 'main': two commits waited for each other at book; repeat the commit"
    """

    def __init__(self, store: str, message: str, position: int | None = None, collection: str = "") -> None:
        self.collection = collection
        where = f" at {collection}" if collection else ""
        super().__init__(store, f"{message}{where}; repeat the commit", position)

    @property
    def is_retryable(self) -> bool:
        """True: others will have ended."""
        return True


class Reserved(Conflict):
    """A commit over several stores that is under way holds a record or a value: repeat the commit.

    ``reservations`` are those that were in the way, as the store keeps them; ``commits`` their ids.

    >>> str(Reserved("main", [], "book"))
    "store 'main': a record or unique value of book is held by another commit; repeat the commit"
    """

    def __init__(
        self, store: str, reservations: Sequence[Holder], collection: str = "", position: int | None = None
    ) -> None:
        self.reservations = tuple(reservations)
        self.commits = tuple([item.commit for item in self.reservations])
        self.collection = collection
        what = f"a record or unique value of {collection}" if collection else "a record or unique value"
        holders = "; ".join(
            [
                f"commit {item.commit} of application {item.application!r}, decided at {item.place}"
                for item in reservations
            ]
        )
        super().__init__(store, f"{what} is held by {holders or 'another commit'}; repeat the commit", position)

    @property
    def is_fence(self) -> bool:
        """Whether the collection moves to another store, and this process had not heard of that."""
        return any(commit.startswith("move-") for commit in self.commits)

    @property
    def is_retryable(self) -> bool:
        """True: others will have ended."""
        return True
