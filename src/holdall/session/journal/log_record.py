"""The journal's record of one commit: every operation, with enough to repeat it and enough to undo it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdall.query import Key, Value
from holdall.store import Change, Members, Verb

__all__ = ["CallState", "LogRecord", "Operation", "Part", "inverse"]


class CallState(StrEnum):
    """How far an operation came, as far as the journal knows. Example: :class:`Operation`."""

    PLANNED = "planned"  # it may have been sent
    APPLIED = "applied"
    REFUSED = "refused"  # it had no effect
    UNDONE = "undone"
    ORPHANED = "orphaned"  # it has or may have had an effect, and nothing undoes it


class Operation(msgspec.Struct, array_like=True):
    """One change. ``old`` are the values its fields had; of a removed record, the values of all stored ``fields``.

    >>> from holdall.store import Verb
    >>> operation = Operation(Verb.ADD, "booking", "b-1", ("seats",), (2,))
    >>> operation.key, str(operation.state)
    ('b-1', 'planned')
    """

    verb: Verb
    collection: str
    key: Key
    fields: tuple[str, ...]
    values: tuple[Value, ...]
    version: int | None = None
    token: str | None = None
    old: tuple[Value, ...] | None = None
    state: CallState = CallState.PLANNED
    error: str = ""
    origin: Key = None  # of an ADD, the key that the record had

    @property
    def change(self) -> Change:
        """The change that a store is given."""
        if self.verb is Verb.REMOVE:
            return Change(self.verb, self.collection, self.key, (), (), self.version, self.token)
        fields, values = self.fields, self.values
        return Change(
            self.verb, self.collection, self.key, fields, values, self.version, self.token, origin=self.origin
        )


class Part(msgspec.Struct, array_like=True):
    """The part of one store: all at once, or ``by_call``, one operation at a time.

    ``is_held`` if the store holds the part until the decision: then a part that is no longer held was applied.
    ``identity`` is what tells this store from another one that is given its name; empty where none is known.

    Example: :class:`Operation`.
    """

    store: str
    operations: list[Operation]
    by_call: bool = False
    is_done: bool = False
    error: str = ""
    is_held: bool = False
    identity: str = ""


class LogRecord(msgspec.Struct, array_like=True):
    """One commit, in the order it is carried out, of the application that made it."""

    parts: list[Part]
    application: str = ""
    is_decided: bool = False


def inverse(operation: Operation, version: str | None) -> Change | None:
    """The change that undoes an applied operation, or None where its old values are not known.

    ``version`` names the collection's version field, if it has one. Without one, only the members of lists that the
    operation had come or go are taken back.

    >>> inverse(Operation(Verb.UPDATE, "city", 7, ("name", "version"), ("Roma", 4), 3, old=("Rome", 3)), "version")
    Change(verb=<Verb.UPDATE: 'update'>, collection='city', key=7, fields=('name', 'version'), values=('Rome', 5), \
version=4, token=None, expected=None, origin=None)
    """
    collection, key, fields = operation.collection, operation.key, operation.fields
    token = None if operation.token is None else f"{operation.token}-undo"
    if operation.verb is Verb.ADD:
        return Change(Verb.REMOVE, collection, key, (), (), 1 if version is not None else None, token)
    if operation.old is None:
        return None
    if operation.verb is Verb.REMOVE:
        return Change(Verb.ADD, collection, key, fields, operation.old, None, token)
    if version is None or operation.version is None:
        pairs = zip(operation.values, operation.old, strict=True)
        back = tuple([value.inverse() if isinstance(value, Members) else old for value, old in pairs])
        return Change(Verb.UPDATE, collection, key, fields, back, None, token)
    later = operation.version + 2
    values = tuple([later if name == version else old for name, old in zip(fields, operation.old, strict=True)])
    return Change(Verb.UPDATE, collection, key, fields, values, operation.version + 1, token)
