"""Rows that are written with the commit whose events they tell: hidden collections, one of each kind in a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import msgspec

from holdall.errors import CorruptRecord, DeclarationError
from holdall.model import Model, Record, field
from holdall.policy import Nobody, Policy
from holdall.query import AnyQuery, Generated, Row, Value
from holdall.session import Binding, Bindings
from holdall.store import CommitClass, Damaged, Rows, Store, can_keep_rows, hidden_name

__all__ = [
    "MADE",
    "PLACES",
    "RowBinding",
    "feed_model",
    "fetched",
    "home_of_rows",
    "lease_model",
    "outbox_model",
    "put_awaited",
    "readable",
    "readable_values",
    "row_binding",
]

_HIDDEN = Policy(read=Nobody, write=Nobody)

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
    """The binding of rows, in whose ``awaiting`` fields records may stand for keys that are made with the commit."""

    def __init__(
        self, model: Value, store: Store, policy: Policy = _HIDDEN, awaiting: tuple[str, ...] | None = None
    ) -> None:
        collection: str = model.__holdall__.collection
        super().__init__(model, store, policy, collection)
        self._given = policy
        self.is_hidden = policy is _HIDDEN
        known = {each.name for each in self.declaration.stored}
        self.awaiting = tuple(name for name in MADE if name in known) if awaiting is None else awaiting
        own = self.awaiting if self.is_hidden else ()
        self.left_out = self.store_keys.union(own)  # of a row that awaits no key: what it need not be sent with
        self.own_keys = [each for each in self.declaration.key if each.generated is Generated.CLIENT]

    def configure(self, collection_of: Callable[[Value], str]) -> None:
        """Make the schema; fields of keys to come are marked as such. Databases order hidden rows by their key."""
        super().configure(collection_of)
        replace = msgspec.structs.replace
        fields = [replace(each, takes_made_key=each.name in self.awaiting) for each in self.schema.fields]
        is_plain = self.is_hidden and self.store.capabilities.commit is CommitClass.TX
        self.schema = replace(self.schema, fields=tuple(fields), indexes=() if is_plain else self.schema.indexes)

    def kept_in(self, store: Store) -> Binding:
        """The same rows, kept in this store."""
        return RowBinding(self.model, store, self._given, self.awaiting)


def put_awaited(binding: RowBinding, row: Record, awaited: list[Record]) -> bool:
    """Put records into a row for the keys that it awaits, None for a place without one; whether there is any."""
    is_awaiting = False
    for name, record in zip(binding.awaiting, awaited, strict=False):
        if record is not None:
            binding.declaration.by_name[name].put(row, record)
            is_awaiting = True
    return is_awaiting


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


def row_binding(bindings: Bindings, store: Store, kind: str, model: Callable[[str], Value]) -> RowBinding:
    """The hidden collection of a kind in a store, which is added if it is not there."""
    name = hidden_name(f"holdall_{kind}", store)
    for binding in bindings:
        if binding.collection == name and isinstance(binding, RowBinding):
            return binding
    made = RowBinding(model(name), store)
    bindings.add(made)
    return made


def home_of_rows(bindings: Bindings, binding: Binding) -> Store:
    """The store that keeps rows about a collection: its own, or the first one that can. Raises DeclarationError."""
    stores = [binding.store, *bindings.stores()]
    able = [store for store in stores if can_keep_rows(store)]
    if not able:
        raise DeclarationError(
            f"no store of this application can keep events of {binding.collection} with its commits; add a database"
        )
    if able[0] is binding.store:
        return able[0]
    lasting = [store for store in able if store.capabilities.is_durable]
    return (lasting or able)[0]


async def fetched(binding: RowBinding, query: AnyQuery) -> Rows:
    """The rows of a query, with ``Damaged`` in the place of what cannot be read: one row is in no other one's way."""
    try:
        return await binding.store.fetch(query)
    except CorruptRecord as error:
        if not error.rows:
            raise
        return list(error.rows)


def readable(value: Value, instead: Value) -> Value:
    """The value of a row that was fetched, or another one where it cannot be read."""
    return instead if isinstance(value, Damaged) else value


def readable_values(binding: RowBinding, row: Row, columns: Mapping[str, Value]) -> list[Value]:
    """The values of some columns of a row that was fetched, each given with what stands for one that cannot be read.

    Last comes the tuple of the keys that were made with the row.
    """
    places = binding.schema.positions
    found = [readable(row[places[name]], instead) for name, instead in columns.items()]
    return [*found, tuple([row[places[name]] for name in binding.awaiting])]
