"""Errors of stores, but for conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from holdall.errors.root import HoldallError

__all__ = [
    "CorruptRecord",
    "FileMissing",
    "ReadOnly",
    "RevisionError",
    "SchemaMismatch",
    "StoreError",
    "StoreFull",
    "StoreTimeout",
    "StoreUnavailable",
    "UnknownFormat",
    "Unsupported",
    "UpstreamError",
]


class StoreError(HoldallError):
    """A store could not do what it was asked; ``store`` names it.

    >>> str(StoreError("main", "the disk is full"))
    "store 'main': the disk is full"
    """

    def __init__(self, store: str, message: str) -> None:
        self.store = store
        super().__init__(f"store {store!r}: {message}")


class Unsupported(StoreError):
    """The store cannot do this and Holdall refuses to pretend; raised before anything is sent.

    >>> str(Unsupported("main", "sorting", "sort the records yourself"))
    "store 'main': does not support sorting; sort the records yourself"
    """

    def __init__(self, store: str, feature: str, advice: str = "") -> None:
        self.feature = feature
        super().__init__(store, f"does not support {feature}" + (f"; {advice}" if advice else ""))


class ReadOnly(Unsupported):
    """A collection that is declared ``read_only`` was to be written; raised before anything is sent.

    >>> str(ReadOnly("main", "report"))
    "store 'main': does not support writing to report; it is declared read_only"
    """

    def __init__(self, store: str, collection: str) -> None:
        self.collection = collection
        super().__init__(store, f"writing to {collection}", "it is declared read_only")


class StoreUnavailable(StoreError):
    """The store cannot be reached or dropped the connection; try again.

    Nothing was applied, unless ``is_outcome_unknown``: then the answer to a commit was lost.

    >>> StoreUnavailable("main", "the server does not answer").is_outcome_unknown
    False
    """

    def __init__(self, store: str, message: str, *, is_outcome_unknown: bool = False) -> None:
        self.is_outcome_unknown = is_outcome_unknown
        super().__init__(store, message)

    @property
    def is_retryable(self) -> bool:
        """Whether nothing was applied, so that a later try does nothing twice."""
        return not self.is_outcome_unknown


class StoreFull(StoreUnavailable):
    """The store has no room for what was to be written: a disk, a quota or a memory is full; it may be read as before.

    >>> str(StoreFull("main", "the disk is full; free some space and repeat"))
    "store 'main': the disk is full; free some space and repeat"
    """


class FileMissing(StoreError):
    """A file store has no content for a file that a record refers to; ``holdall files check`` lists all of them.

    >>> str(FileMissing("covers"))
    "store 'covers': the content of this file is not there; look with holdall files check"
    """

    def __init__(self, store: str) -> None:
        super().__init__(store, "the content of this file is not there; look with holdall files check")


class StoreTimeout(StoreError):
    """The store did not answer in time. Nothing was applied, unless ``is_outcome_unknown``.

    >>> StoreTimeout("main", "no answer to COMMIT", is_outcome_unknown=True).is_outcome_unknown
    True
    """

    def __init__(self, store: str, message: str, *, is_outcome_unknown: bool = False) -> None:
        self.is_outcome_unknown = is_outcome_unknown
        super().__init__(store, message)

    @property
    def is_retryable(self) -> bool:
        """Whether nothing was applied, so that a later try does nothing twice."""
        return not self.is_outcome_unknown


class UpstreamError(StoreError):
    """The service behind a store refused a call, or gave an answer that cannot be used; its operator has to look.

    The service refused this program, not the program's user: a 403 there says nothing of what the user may do here.

    >>> str(UpstreamError("api", "GET /books answered 500"))
    "store 'api': GET /books answered 500"
    """


class SchemaMismatch(StoreError):
    """The content of the store does not fit the models; ``differences`` lists each difference in a sentence.

    ``remedies`` say what to do, each in a sentence of its own.

    >>> error = SchemaMismatch("main", ["book has no column pages"], ["Add it."])
    >>> error.differences
    ('book has no column pages',)
    >>> str(error).splitlines()[1:]
    ['  book has no column pages', 'Add it.']
    """

    def __init__(self, store: str, differences: Sequence[str], remedies: Sequence[str] = ()) -> None:
        self.differences = tuple(differences)
        told = "\n  ".join(("its tables do not fit the models:", *self.differences))
        super().__init__(store, "\n".join((told, *remedies)))


class RevisionError(StoreError):
    """A revision of a store's tables cannot be made, found or carried out; nothing of it lasts unless this says so.

    >>> str(RevisionError("main", "there is no revision 1f3a"))
    "store 'main': there is no revision 1f3a"
    """


class CorruptRecord(StoreError):
    """A stored record cannot be read as what its model says; ``place`` says where it lies.

    ``fields`` are those that cannot be read and ``key`` is the record's, where they are known; ``reasons`` says why, by
    field. ``rows`` is all that was asked for, where the store could read the rest; ``Damaged`` stands in it for what it
    could not.

    >>> str(CorruptRecord("main", "book 7", "pages is no number", key=7, fields=["pages"]))
    "store 'main': book 7 cannot be read: pages is no number"
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

    >>> error = UnknownFormat("main", "the journal", found=3, known=1)
    >>> error.found, error.known
    (3, 1)
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
