"""The error tree, whole.

A leaf exists only where a program would react to it. Every error keeps its facts in attributes, builds its own
message and says what to do. Store drivers' errors are mapped onto these, always with ``raise … from``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdall.session.commit.outcome.result import CommitResult, Task
    from holdall.session.commit.recovery.unfinished import Unfinished, UnfinishedCommit
    from holdall.session.commit.run.lost_answer import LostAnswer
    from holdall.session.references.cascade_plan import Refusal
    from holdall.store.reservation import Reservation

__all__ = [
    "AlreadyExists",
    "CommitAborted",
    "CommitError",
    "CommitPartial",
    "CommitPending",
    "CommitUnknown",
    "Conflict",
    "CorruptRecord",
    "DeclarationError",
    "FieldError",
    "Forbidden",
    "FrozenError",
    "HoldallError",
    "LimitExceeded",
    "LockConflict",
    "NotFound",
    "NotLoaded",
    "QueryError",
    "ReferenceViolation",
    "Reserved",
    "SchemaMismatch",
    "StaleVersion",
    "StateError",
    "StillReferenced",
    "StoreError",
    "StoreTimeout",
    "StoreUnavailable",
    "UniqueViolation",
    "Unsupported",
    "UpstreamError",
    "ValidationError",
]


class HoldallError(Exception):
    """The root of every error Holdall raises."""


class DeclarationError(HoldallError, TypeError):
    """A model, a field, a collection or a store is declared in a way that cannot work; raised at start, never later."""


# --- what a caller gave ---------------------------------------------------------------------------------------------


class FieldError:
    """One thing wrong with one value: where (``path``), what kind (``code``) and a sentence (``message``).

    The message never repeats the value, so it can be shown to anyone.
    """

    __slots__ = ("code", "message", "path")

    def __init__(self, path: str, code: str, message: str) -> None:
        self.path = path
        self.code = code
        self.message = message

    def __repr__(self) -> str:
        return f"FieldError({self.path!r}, {self.code!r}, {self.message!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldError):
            return NotImplemented
        return (self.path, self.code, self.message) == (other.path, other.code, other.message)

    def __hash__(self) -> int:
        return hash((self.path, self.code, self.message))


class ValidationError(HoldallError, ValueError):
    """Values break the rules of their model; ``errors`` lists all of them, each with its path."""

    def __init__(self, model: str, errors: Sequence[FieldError]) -> None:
        self.model = model
        self.errors = tuple(errors)
        lines = "; ".join(f"{error.path or model}: {error.message}" for error in self.errors)
        super().__init__(f"{model} is not valid: {lines}")


class FrozenError(HoldallError, ValueError):
    """A frozen field was written in a state in which it may not change."""

    def __init__(self, model: str, field: str, state: str) -> None:
        self.model = model
        self.field = field
        self.state = state
        super().__init__(f"{model}.{field} is frozen while the record is {state}; leave it as it is")


class QueryError(HoldallError, ValueError):
    """A query names something that does not exist, compares what cannot be compared, or its text cannot be read."""


class LimitExceeded(HoldallError, ValueError):
    """A bound was passed; ``limit`` says which one and ``maximum`` its value."""

    def __init__(self, limit: str, maximum: int, advice: str = "ask for less") -> None:
        self.limit = limit
        self.maximum = maximum
        super().__init__(f"more than {maximum} {limit}; {advice}")


# --- records and sessions -------------------------------------------------------------------------------------------


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


# --- stores ---------------------------------------------------------------------------------------------------------


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
    """The service behind a store refused a call, or gave an answer that cannot be used; whoever runs it has to look.

    It refused this program, not the program's user: a 403 there says nothing of what the user may do here.
    """


class SchemaMismatch(StoreError):
    """What the store holds does not fit the models; ``differences`` lists each difference in a sentence."""

    def __init__(self, store: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(store, "its tables do not fit the models:\n  " + "\n  ".join(self.differences))


class CorruptRecord(StoreError):
    """A stored record cannot be read as what its model says; ``place`` says where it lies.

    ``fields`` are those that cannot be read and ``key`` is the record's, where they are known. ``rows`` is all that was
    asked for, where the store could read the rest; ``Damaged`` stands in it for what it could not.
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
    ) -> None:
        self.place = place
        self.reason = reason
        self.key = key
        self.fields = tuple(fields)
        self.rows = rows
        super().__init__(store, f"{place} cannot be read: {reason}")


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
        named = ", ".join(self.fields) or "a unique field"
        super().__init__(store, f"another {collection} already has this {named}", position)


class AlreadyExists(UniqueViolation):
    """A record with this key is already there."""


class ReferenceViolation(Conflict):
    """A reference points at nothing, or a record that is still referred to was to be removed."""

    def __init__(self, store: str, collection: str, fields: Sequence[str] = (), position: int | None = None) -> None:
        self.collection = collection
        self.fields = tuple(fields)
        named = ", ".join([f"{collection}.{name}" for name in self.fields]) or f"a reference of {collection}"
        super().__init__(store, f"{named} would refer to a record that is not there", position)


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


class LockConflict(Conflict):
    """Somebody else holds a lock for too long, or two commits waited for each other: repeat the commit.

    ``collection`` is where that happened, if known. Who holds it may be a prepared transaction of a dead process.
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
        self, store: str, reservations: Sequence[Reservation], collection: str = "", position: int | None = None
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


# --- commits --------------------------------------------------------------------------------------------------------


class CommitError(HoldallError):
    """A commit did not end as asked; ``result`` lists every task with its state, duration and error."""

    def __init__(self, message: str, result: CommitResult) -> None:
        self.result = result
        super().__init__(message)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The commit's tasks, in the order they ended."""
        return self.result.tasks


class CommitAborted(CommitError):
    """Nothing lasting happened anywhere; the records are as they were and the session is usable."""


class CommitPending(CommitError):
    """The commit is decided and recovery will finish it; do not repeat it."""

    async def resolve(self) -> Unfinished | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot."""
        return await _unfinished_of(self).resolve()


class CommitPartial(CommitError):
    """Some changes are applied and some are not; ``result`` says which. Retry the rest, compensate, or accept it."""

    async def resolve(self) -> Unfinished | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot."""
        return await _unfinished_of(self).resolve()

    async def retry(self) -> Unfinished | None:
        """Try again what was refused or could not be undone; None once it is over."""
        return await _unfinished_of(self).retry()

    async def compensate(self) -> Unfinished | None:
        """Undo everything it wrote; None once that is done. Raises StateError where old values are not known."""
        return await _unfinished_of(self).compensate()

    async def accept(self) -> None:
        """Leave everything as it is, and take it off the list of unfinished commits."""
        await _unfinished_of(self).accept()


class CommitUnknown(CommitError):
    """The answer to COMMIT was lost; ``resolve`` finds out, never send it again before.

    ``was_applied`` says how it ended, once ``resolve`` has returned.
    """

    was_applied: bool | None = None

    async def resolve(self) -> Unfinished | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot.

        Raises StateError where a commit of one store left nothing behind that tells.
        """
        unfinished = _unfinished_of(self)
        left = await unfinished.resolve()
        self.was_applied = unfinished.was_applied
        return left


def _unfinished_of(error: CommitError) -> UnfinishedCommit | LostAnswer:
    if error.result.settlement is None:
        raise StateError("this commit wrote one store and no journal; roll back, and load the records again")
    return error.result.settlement
