"""The store in whose transaction a session is at work, and what was written there so far."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.model import Record
from holdall.query import Value
from holdall.session.binding import Binding
from holdall.store import Change, Store, StoreTransaction, Verb

__all__ = ["OpenStore", "Written"]


class Written:
    """The write of one record in a flush: how, and the values that its fields had before."""

    __slots__ = ("before", "record", "verb")

    def __init__(self, verb: Verb, record: Record, before: dict[str, Value]) -> None:
        self.verb = verb
        self.record = record
        self.before = before


class OpenStore:
    """A store and its open transaction.

    ``written`` has what flushes did to records, in order. ``touched`` are the collections in which records were changed
    without being here. ``last`` are the last changes that were sent.
    """

    __slots__ = ("last", "store", "touched", "transaction", "written")

    def __init__(self, store: Store, transaction: StoreTransaction) -> None:
        self.store = store
        self.transaction = transaction
        self.written: list[Written] = []
        self.touched: dict[Binding, None] = {}
        self.last: Sequence[Change] = ()
