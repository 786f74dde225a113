"""Rows that are written with the commit whose events they tell: hidden collections, one of each kind in a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from holdall.model import Model, field
from holdall.policy import Nobody, Policy
from holdall.query import Value
from holdall.session import Binding
from holdall.store import CommitClass, Provisioned, Store

__all__ = ["MADE", "PLACES", "RowBinding", "can_keep_rows", "feed_model", "hidden_name", "lease_model", "outbox_model"]

PLACES = 8
"""The most keys of a row that are made with it."""

MADE = tuple(f"made_{number}" for number in range(PLACES))
"""The fields of these keys."""


class _WithKeys(Model, abstract=True):
    made_0: int | None = None
    made_1: int | None = None
    made_2: int | None = None
    made_3: int | None = None
    made_4: int | None = None
    made_5: int | None = None
    made_6: int | None = None
    made_7: int | None = None


class RowBinding(Binding):
    """The binding of rows, in which keys may stand that are made with the same commit."""

    def __init__(self, model: Value, store: Store) -> None:
        super().__init__(model, store, Policy(read=Nobody, write=Nobody), model.__holdall__.collection)

    def configure(self, collection_of: Callable[[Value], str]) -> None:
        """Make the schema; fields of keys to come are marked as such. Databases order rows by their key as it is."""
        super().configure(collection_of)
        replace = msgspec.structs.replace
        fields = [replace(each, takes_made_key=each.name in MADE) for each in self.schema.fields]
        is_database = self.store.capabilities.commit is CommitClass.TX
        indexes = () if is_database else self.schema.indexes
        self.schema = replace(self.schema, fields=tuple(fields), indexes=indexes)

    def kept_in(self, store: Store) -> Binding:
        """The same rows, kept in this store."""
        return RowBinding(self.model, store)


def can_keep_rows(store: Store) -> bool:
    """Whether a store can keep rows with its commits."""
    return store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH) and isinstance(store, Provisioned)


def hidden_name(kind: str, store: Store) -> str:
    """The name of the hidden collection of a kind in a store."""
    return f"holdall_{kind}_{store.name if store.name.isidentifier() else store.name.encode().hex()}"


def outbox_model(name: str) -> Value:
    """The model of what is still to be delivered: a row for each event and function."""

    class OutboxRow(_WithKeys, collection=name):
        id: int = field(pk=True, generated=True, index=True)
        event: str = field(length=(1, 64))
        handler: str = field(length=(1, 100), index=True)
        collection: str = field(length=(1, 200))
        is_dead: bool = False
        attempts: int = 0
        due: dt.datetime | None = None
        error: str = field(default="", length=(0, 500))
        body: bytes = b""

    return OutboxRow


def feed_model(name: str) -> Value:
    """The model of what was told lately to those who follow a collection."""

    class FeedRow(_WithKeys, collection=name):
        id: int = field(pk=True, generated=True, index=True)
        event: str = field(length=(1, 64))
        collection: str = field(length=(1, 200), index=True)
        at: dt.datetime = field()
        body: bytes = b""

    return FeedRow


def lease_model(name: str) -> Value:
    """The model of who delivers to a function, and until when others leave that to him."""

    class DeliveryLease(Model, collection=name):
        id: str = field(pk=True, length=(1, 100))
        owner: str = field(default="", length=(0, 120))
        until: dt.datetime = field()
        version: int = field(version=True)

    return DeliveryLease
