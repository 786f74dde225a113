"""Errors of stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from holdall.errors.root import HoldallError

__all__ = [
    "AlreadyExists",
    "Conflict",
    "CorruptRecord",
    "Holder",
    "LockConflict",
    "ReferenceViolation",
    "Refusal",
    "Reserved",
    "SchemaMismatch",
    "StaleVersion",
    "StillReferenced",
    "StoreError",
    "StoreTimeout",
    "StoreUnavailable",
    "UniqueViolation",
    "UnknownFormat",
    "Unsupported",
    "UpstreamError",
]


class StoreError(HoldallError):
    """A store could not do what it was asked; ``store`` names it."""

    def __init__(self, store: str, message: str) -> None:
        self.store = store
        super().__init__(f"store {store!r}: {message}")


class Unsupported(StoreError):
    """The store cannot do this and Holdall refuses to pretend; raised before anything is sent."""

    def __init__(self, store: str, feature: str, advice: str = "") -> None:
        self.feature = feature
        super().__init__(store, f"does not support {feature}" + (f"; {advice}" if advice else ""))


class StoreUnavailable(StoreError):
    """The store cannot be reached or dropped the connection; try again.

    Nothing was applied, unless ``is_outcome_unknown``: then the answer to a commit was lost.
    """

    def __init__(self, store: str, message: str, *, is_outcome_unknown: bool = False) -> None:
        self.is_outcome_unknown = is_outcome_unknown
        super().__init__(store, message)


class StoreTimeout(StoreError):
    """The store did not answer in time. Nothing was applied, unless ``is_outcome_unknown``."""

    def __init__(self, store: str, message: str, *, is_outcome_unknown: bool = False) -> None:
        self.is_outcome_unknown = is_outcome_unknown
        super().__init__(store, message)


class UpstreamError(StoreError):
    """The service behind a store refused a call, or gave an answer that cannot be used; its operator has to look.

    The service refused this program, not the program's user: a 403 there says nothing of what the user may do here.
    """


class SchemaMismatch(StoreError):
    """The content of the store does not fit the models; ``differences`` lists each difference in a sentence."""

    def __init__(self, store: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(store, "its tables do not fit the models:\n  " + "\n  ".join(self.differences))


class CorruptRecord(StoreError):
    """A stored record cannot be read as what its model says; ``place`` says where it lies.

    ``fields`` are those that cannot be read and ``key`` is the record's, where they are known; ``reasons`` tells why.
    ``rows`` is all that was asked for, where the store could read the rest; ``Damaged`` stands in it for what it could
    not.
    """

    def __init__(
        self,
        store: str,
        place: str,
        reason: str,
        *,
        key: object = None,
        fields: Sequence[str] = (),
        rows: Sequence[tuple[object, ...]] = (),
        reasons: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.place = place
        self.reasons = reasons
        self.reason = reason
        self.key = key
        self.fields = tuple(fields)
        self.rows = rows
        super().__init__(store, f"{place} cannot be read: {reason}")


class UnknownFormat(StoreError):
    """Another version of Holdall wrote something in a form that this one does not know, and it is left alone.

    ``place`` is the key, file, row or document; ``found`` is the number of its format, None where there is none that
    can be read, and ``known`` the newest that this version reads. Use the version that wrote it, or a later one.
    """

    def __init__(self, store: str, place: str, found: int | None, known: int) -> None:
        self.place = place
        self.found = found
        self.known = known
        told = f"format {found}" if found is not None else "a format without a number"
        self.reason = (
            f"{place} was written by another version of Holdall: it has {told}, "
            f"and this version knows format {known}; use the version that wrote it"
        )
        super().__init__(store, self.reason)


class Conflict(StoreError):
    """A change is refused because of what the store already holds; ``position`` is the change's index, if known."""

    def __init__(self, store: str, message: str, position: int | None = None) -> None:
        self.position = position
        super().__init__(store, message)


class UniqueViolation(Conflict):
    """Another record already has these values in fields declared unique."""

    def __init__(self, store: str, collection: str, fields: Sequence[str], position: int | None = None) -> None:
        self.collection = collection
        self.fields = tuple(fields)
        named = f"this {', '.join(self.fields)}" if self.fields else "one of its unique values"
        super().__init__(store, f"another {collection} already has {named}", position)


class AlreadyExists(UniqueViolation):
    """A record with this key is already there."""


class ReferenceViolation(Conflict):
    """A reference points at nothing, or a record that is still referred to was to be removed."""

    def __init__(self, store: str, collection: str, fields: Sequence[str] = (), position: int | None = None) -> None:
        self.collection = collection
        self.fields = tuple(fields)
        named = ", ".join([f"{collection}.{name}" for name in self.fields]) or f"a reference of {collection}"
        super().__init__(store, f"{named} would refer to a record that is not there", position)


class Refusal(msgspec.Struct, frozen=True):
    """Records that stand in the way of a removal: whose, by which reference, how many, some of their keys.

    ``is_more`` if counting ended at ``number``.
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
    """Records still refer to one that was to be removed; ``refusals`` counts them, reference by reference."""

    def __init__(self, store: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        self.collection = self.refusals[0].target
        self.fields = tuple([f"{refusal.collection}.{refusal.field}" for refusal in self.refusals])
        message = "; ".join(map(str, self.refusals)) + "; remove them first, or declare on_delete"
        Conflict.__init__(self, store, message)


class StaleVersion(Conflict):
    """The record was changed or removed by somebody else since it was read: refresh it and repeat the edit."""

    def __init__(self, store: str, collection: str, key: object, position: int | None = None) -> None:
        self.collection = collection
        self.key = key
        changed = f"{collection} {key!r} was changed or removed since it was read"
        super().__init__(store, f"{changed}; refresh() it, or ask for it in another session, and repeat", position)


class Holder(Protocol):
    """A commit over several stores that holds something: see ``holdall.store.Reservation``."""

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
    """

    def __init__(self, store: str, message: str, position: int | None = None, collection: str = "") -> None:
        self.collection = collection
        where = f" at {collection}" if collection else ""
        super().__init__(store, f"{message}{where}; repeat the commit", position)


class Reserved(Conflict):
    """A commit over several stores that is under way holds a record or a value: repeat the commit.

    ``reservations`` are those that were in the way, as the store keeps them; ``commits`` their ids.
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
