"""All bindings of an application: which model lives where. ``configure`` ties them together, once for all sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec

from holdall.errors import DeclarationError, Forbidden, QueryError, StateError
from holdall.files import Shelf
from holdall.model import Field, Model, query_for
from holdall.policy import Grant, Right, User
from holdall.query import ALWAYS, AnyQuery, Query, Schema, Value, paths_of, placed
from holdall.session.binding import Binding
from holdall.session.file_fields import file_fields_of
from holdall.session.instrument import Instrument
from holdall.session.journal.journal import LEASE, Journal
from holdall.session.journal.schema import hidden_schemas
from holdall.session.listening import Listening
from holdall.session.named_rules import demand_named
from holdall.session.open_store import OpenStore
from holdall.session.persistence import Persistence
from holdall.session.relocating import Relocating
from holdall.session.store_in_middleware import in_middleware, store_within
from holdall.session.turns import Turns
from holdall.session.tying import tie
from holdall.store import Aggregating, Store, StoreTransaction

__all__ = ["Bindings", "Exchanged"]


class Exchanged(msgspec.Struct, frozen=True):
    """The bindings and the journal that others stand in for."""

    by_model: dict[object, Binding]
    by_name: dict[str, Binding]
    journal: Journal


class Bindings:
    """All bindings of a Holdall, by model and by collection name.

    ``configure`` resolves references by name, makes the schemas and binds the stores to them; it does no I/O.

    Example: :class:`Binding`.
    """

    hidden_names: Mapping[str, frozenset[str]] = MappingProxyType({})
    """By collection, the fields that are hidden from who asks: in copies that a service makes for its users."""
    inside: OpenStore | None = None  # of a session's bindings: the store in whose transaction it is at work

    def __init__(
        self, application: str = "", journal: str = "sqlite:///.holdall/journal.db", lease: float = LEASE
    ) -> None:
        self.journal = Journal(application, self.stores, journal, lease)
        self.turns = Turns()
        self.shelf = Shelf()
        self.file_fields: dict[type[Model], tuple[Field, ...]] = {}  # of models that have any
        self.instrument: Instrument | None = None  # None while nobody listens to sessions
        self.listening: Listening | None = None  # None while nobody listens to changes of records
        self.moves: Relocating | None = None  # None where no collection can be moved to another store
        self.group_plans: dict[object, Value] = {}  # what a GroupReader remembers, by kinds of queries
        self.known_stores: Mapping[str, Store] = {}  # by name, those without a collection as well
        self.native_grants: dict[str, Grant] = {}  # by store, who may go past the contract
        self.persistence: Persistence | None = None
        self._in_middleware: dict[int, Store] = {}
        self.look: Callable[[], None] | None = None  # decides anew who listens, before each session
        self.application: Value = None  # what has actions and selections by name, where there are any
        self._by_model: dict[object, Binding] = {}
        self._by_name: dict[str, Binding] = {}
        self.is_settled = True  # since anything was added, or kept elsewhere
        self.times_settled = 0  # another number, another arrangement
        self.has_bonds = False
        self.has_inversely_stored = False  # any that must be told of at their other end
        self.has_unenforced = False  # any that must be looked at whenever records are written
        self.has_stored_ends = False  # any that users might see who may not read what refers
        self.has_rules = False  # of any collection, about single records or fields
        self.has_field_rights = False  # which hide fields from users, or give new records values
        self.has_replicas = False  # of any store, to which reads may go
        self.has_late_keys = False  # of stores that are written after the decision of a commit over several

    def add(self, binding: Binding) -> None:
        """Take one more; raises DeclarationError where the model or the name is taken."""
        if binding.model in self._by_model:
            raise DeclarationError(
                f"{binding.model.__name__} is already bound to {self._by_model[binding.model].store.name!r}"
            )
        if binding.collection in self._by_name:
            raise DeclarationError(f"there is already a collection {binding.collection!r}; give this one another name")
        self._by_model[binding.model] = binding
        self._by_name[binding.collection] = binding
        self.is_settled = False

    def exchange(self, others: Mapping[int, Store]) -> Exchanged:
        """Keep collections in other stores, given by the ``id()`` of the store that each stands in for.

        Return all that is needed to put the own ones back. Meanwhile there is a journal of its own, in memory.
        """
        before = Exchanged(self._by_model, self._by_name, self.journal)
        found = [
            binding.kept_in(others.get(id(store_within(binding.store)), binding.store))
            for binding in self._by_name.values()
        ]
        self._by_model = {binding.model: binding for binding in found}
        self._by_name = {binding.collection: binding for binding in found}
        self.journal = Journal(self.journal.application, self.stores, "memory:", self.journal.lease)
        self.is_settled = False
        return before

    def move(self, others: Mapping[int, Store]) -> None:
        """Keep collections in other stores for good, given as for ``exchange``; the journal stays."""
        journal = self.journal
        self.exchange(others)
        self.journal = journal

    def relocate(self, collection: str, store: Store) -> Binding:
        """Keep one collection in another store from now on, and return its binding; others are tied to it anew.

        The binding until now stays as it is, for what is under way with it.
        """
        former = self._by_name[collection]
        binding = former.kept_in(store)
        self._by_name[collection] = self._by_model[former.model] = binding
        self.is_settled = False
        self.configure()
        return binding

    def forget(self, collection: str) -> None:
        """Have one collection no more, if there is one of this name."""
        former = self._by_name.pop(collection, None)
        if former is not None:
            del self._by_model[former.model]
            self.is_settled = False

    def put_back(self, before: Exchanged) -> None:
        """Keep collections in their own stores again."""
        self._by_model, self._by_name, self.journal = before.by_model, before.by_name, before.journal
        self.is_settled = False

    def configure(self) -> None:
        """Make everything ready that was added since the last time; raises DeclarationError or Unsupported."""
        if self.is_settled:
            return
        self.group_plans.clear()
        if self.listening is not None:
            self.listening.settle()
        demand_named(self, self.application)
        for store, schemas in self._make_ready().values():
            store.bind(schemas)
            if len(self.stores()) > 1 and store.capabilities.is_durable:
                store.bind(hidden_schemas(store))
        self.is_settled = True
        self.times_settled += 1

    def listen(self, listening: Listening) -> None:
        """Have changes of records told from the next session on."""
        self.listening = listening
        self.is_settled = False

    def stand_around_stores(self, persistence: Persistence) -> None:
        """Have calls of stores pass this middleware from the next session on."""
        self.persistence = persistence
        self.is_settled = False

    def _put_in_middleware(self, persistence: Persistence) -> None:
        for binding in self:
            store = binding.store
            if id(store) not in self._in_middleware:
                made = in_middleware(store, persistence)
                self._in_middleware |= {id(store): made, id(made): made}
            binding.take_store(self._in_middleware[id(store)])

    def access(self, binding: Binding) -> Store | StoreTransaction:
        """The one that answers queries of a collection: its store, or the transaction that is open there."""
        inside = self.inside
        return binding.store if inside is None or inside.store is not binding.store else inside.transaction

    def counting(self, binding: Binding) -> Callable[[AnyQuery], Awaitable[int]] | None:
        """The function that counts records of a collection; None where nothing does."""
        if self.inside is None:
            return binding.count
        access = self.access(binding)
        return access.count if isinstance(access, Aggregating) else None

    def stores(self) -> list[Store]:
        """Every store, once, in the order of declaration."""
        return list({id(binding.store): binding.store for binding in self}.values())

    def _make_ready(self) -> dict[int, tuple[Store, list[Schema]]]:
        """Settle all bindings; the stores by ``id()``, each with its schemas."""
        if self.persistence is not None:
            self._put_in_middleware(self.persistence)
        models = {binding.model.__name__: binding.model for binding in self}
        for binding in self:
            binding.declaration.resolve(models)
        stores: dict[int, tuple[Store, list[Schema]]] = {}
        tie(list(self), self.of_model)
        for binding in self:
            binding.configure(lambda model: self.of_model(model).collection)
            stores.setdefault(id(binding.store), (binding.store, []))[1].append(binding.schema)
        self.has_replicas = any(getattr(store, "replica_count", 0) for store, _ in stores.values())
        self.file_fields = {binding.model: found for binding in self if (found := file_fields_of(binding, self.shelf))}
        self.has_rules = not all(binding.policy.is_plain for binding in self)
        self.has_field_rights = any(binding.policy.has_fields for binding in self)
        several = len(stores) > 1
        self.has_late_keys = several and any(binding.makes_late_keys for binding in self)
        self.has_bonds = any(binding.relationships for binding in self)
        self.has_stored_ends = any(each.stored_inverses for binding in self for each in binding.relationships)
        self.has_inversely_stored = any(binding.inversely_stored for binding in self)
        self.has_unenforced = self.has_inversely_stored or any(binding.unenforced for binding in self)
        return stores

    async def close(self) -> None:
        """Close the journal and the file stores."""
        await self.journal.close()
        await self.shelf.close()

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._by_name.values())

    def of_model(self, model: type[Model]) -> Binding:
        """The binding of a model; raises StateError if it has none."""
        binding = self._by_model.get(model)
        return self.missing_model(model) if binding is None else binding

    def of_name(self, collection: str) -> Binding:
        """The binding of a collection; raises StateError if there is none."""
        binding = self._by_name.get(collection)
        return self.missing_name(collection) if binding is None else binding

    def missing_model(self, model: type[Model]) -> Binding:
        """Raise StateError for a model without a binding; overridden where a binding can be made for it."""
        if not isinstance(model, type):
            raise StateError(f"a model is asked for, which is a class, not {type(model).__name__}")
        raise StateError(f"{model.__name__} is not part of this Holdall: call app.add({model.__name__}, store=...)")

    def missing_name(self, collection: str) -> Binding:
        """Raise StateError for a name without a binding; overridden where a binding can be made for it."""
        raise StateError(f"there is no collection {collection!r} in this Holdall")

    def hidden_ends(self, model: type[Model], user: User) -> frozenset[str]:
        """The fields of a model that the user may not see; stored other ends where he may not read all that refers."""
        binding = self._by_model.get(model)
        return frozenset() if binding is None else binding.hidden(user)

    def demand_ends(self, query: AnyQuery, binding: Binding, user: User) -> None:
        """Raise Forbidden where the query names a stored other end of references from what the user may not read.

        Raises QueryError for a field that is hidden from the user, as for one that is not there.
        """
        if user.unrestricted or not (self.has_stored_ends or self.has_field_rights):
            return
        for path in paths_of(query):
            current = binding
            for name in path:
                field = current.named_field(name, user)
                if field.target is None:
                    break
                current = self.of_name(field.target)

    def demand_whole(self, query: AnyQuery, binding: Binding, user: User) -> None:
        """Raise Forbidden where the user may read only some records of a collection that the query leads through.

        Plans of stores tell how many records there are.
        """
        for path in [(), *paths_of(query)]:
            current = binding
            for name in (None, *path):
                target = None if name is None else current.schema.field(name).target
                if name is not None and target is None:
                    break
                current = current if target is None else self.of_name(target)
                if not user.unrestricted and current.policy.bound(Right.READ, user) != ALWAYS:
                    raise Forbidden("explain queries of", current.collection)

    def asked(self, query: Any) -> AnyQuery:
        """The query that is meant: itself, or that of an adopted model which a statement of another library means."""
        if isinstance(query, Query):
            return query if query.model is not None else placed(query, {each.collection: each.schema for each in self})
        adopting = {model.__holdall__.adopted: model for model in map(attrgetter("model"), self)}
        adopting.pop(None, None)
        found = query_for(query, adopting)
        return query if found is None else found

    def of_query(self, query: AnyQuery) -> Binding:
        """The binding a query is about. Raises QueryError for what is no query."""
        if not isinstance(query, Query):
            raise QueryError(_no_query(query))
        return self.of_name(query.collection) if query.model is None else self.of_model(query.model)


def _no_query(asked: object) -> str:
    if isinstance(asked, type) and hasattr(asked, "where"):
        return f"a query is asked, not a class: {asked.__name__}.where()"
    return f"a query is asked, such as Book.where(Book.pages > 100), not {type(asked).__name__}"
