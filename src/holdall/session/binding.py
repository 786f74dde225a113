"""Bindings: which model lives in which store, under which collection name and policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from holdall.errors import DeclarationError, QueryError, StateError
from holdall.model import Declaration, Field, Frozen, Model, schema_of
from holdall.policy import Policy
from holdall.query import Generated, Query, Schema
from holdall.session.compensation import Compensate, Compensation
from holdall.session.journal.journal import LEASE, Journal
from holdall.session.journal.schema import hidden_schemas
from holdall.session.relationship import Relationship, tie
from holdall.store import Aggregating, CommitClass, Feature, KeyMaking, Provisioned, RecordAccess, Row, Store

__all__ = ["Binding", "Bindings"]


class Binding:
    """A model bound to its store.

    ``semi_join_limit`` bounds how many keys a condition on another store may bring over. ``compensation`` is how
    single calls are undone where a commit over several stores is refused; without it they are listed.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> [(binding.model.__name__, binding.store.name, binding.collection) for binding in app.collections()]
    [('Book', 'main', 'book')]
    """

    def __init__(
        self,
        model: type[Model],
        store: Store,
        policy: Policy,
        collection: str,
        semi_join_limit: int = 10_000,
        compensation: Compensation | None = None,
    ) -> None:
        self.model: Any = model
        self.store = store
        self.count = store.count if isinstance(store, Aggregating) else None
        self.record_access = store if isinstance(store, RecordAccess) else None
        self.policy = policy
        self.collection = collection
        self.semi_join_limit = semi_join_limit
        self.compensation = compensation
        self.counted_up_to = 0  # the largest key that this process has reserved
        if compensation is Compensate.INVERSE and self.record_access is not None:
            raise DeclarationError(f"{collection}: a DAO's calls are undone by a function of yours; give that one")
        self.declaration: Declaration = model.__holdall__
        self.codec = self.declaration.codec
        elsewhere = store.made_kinds(collection) if isinstance(store, KeyMaking) else frozenset()
        self.store_keys = frozenset(  # the fields of the key that the store makes
            field.name
            for field in self.declaration.key
            if field.generated is Generated.STORE or (field.generated is Generated.CLIENT and field.kind in elsewhere)
        )
        self.schema: Schema = Schema(collection, (), ())
        self.row_key: Callable[[Row], Any] = itemgetter(0)
        self._subsets: dict[frozenset[str], tuple[str, ...]] = {}
        self._updates: dict[frozenset[str], tuple[str, ...]] = {}
        self.frozen_at_creation = tuple(
            (field, field.default())
            for field in self.declaration.stored
            if field.frozen & Frozen.CREATE and field.has_default and field.options.default_factory is None
        )
        self.all_fields = tuple(field.name for field in self.declaration.stored)
        self.relationships: tuple[Relationship, ...] = ()  # the references its records hold
        self.bound_by: tuple[Relationship, ...] = ()  # those that lead to them
        self.unenforced: tuple[Relationship, ...] = ()  # those of its own that no store keeps
        self.inversely_stored: tuple[Relationship, ...] = ()  # those of its own that must be told of at their other end
        self.releasable: tuple[Field, ...] = ()  # unique references that may be empty: who gives one up goes first

    @property
    def stored_ends(self) -> dict[str, Binding]:
        """The lists, stored with its records, of what refers to them, each with the collection that refers."""
        return {
            back.name: relationship.source for relationship in self.bound_by for back in relationship.stored_inverses
        }

    @property
    def makes_late_keys(self) -> bool:
        """Whether its store makes keys, in one batch with everything else it is told."""
        is_batch = self.store.capabilities.commit is CommitClass.BATCH
        return is_batch and bool(self.store_keys)

    @property
    def _takes_rules(self) -> bool:
        """Whether its store can be given unique rules; those of APIs and hand-written code are what they are."""
        return Feature.UNIQUE in self.store.capabilities.features and isinstance(self.store, Provisioned)

    def fields_without(self, left_out: frozenset[str]) -> tuple[str, ...]:
        """The stored fields but these; the same tuple each time, so that stores can batch by identity."""
        found = self._subsets.get(left_out)
        if found is None:
            found = self._subsets[left_out] = tuple(name for name in self.all_fields if name not in left_out)
        return found

    def update_fields(self, changed: frozenset[str]) -> tuple[str, ...]:
        """The changed fields in field order, then the version; the same tuple each time."""
        found = self._updates.get(changed)
        if found is None:
            version = self.declaration.version
            names = [name for name in self.all_fields if name in changed and (version is None or name != version.name)]
            found = self._updates[changed] = (*names, *([version.name] if version is not None else []))
        return found

    def configure(self, bindings: Bindings) -> None:
        """Make the schema, once every model it refers to is bound and the relationships are known."""
        exclusive = (
            [relationship.field.name for relationship in self.relationships if relationship.is_single]
            if self._takes_rules
            else ()
        )
        self.schema = schema_of(
            self.model, self.collection, lambda model: bindings.of_model(model).collection, exclusive
        )
        unique = {name for rule in self.schema.unique for name in rule}
        self.releasable = tuple(
            [field for field in self.declaration.references if field.nullable and field.name in unique]
        )
        self.row_key = itemgetter(*(self.schema.positions[name] for name in self.schema.key))


class Bindings:
    """All bindings of a Holdall, by model and by collection name.

    ``settle`` resolves references by name, makes the schemas and tells the stores; it does no I/O.

    Example: :class:`Binding`.
    """

    def __init__(
        self, application: str = "", journal: str = "sqlite:///.holdall/journal.db", lease: float = LEASE
    ) -> None:
        self.journal = Journal(application, self.stores, journal, lease)
        self._by_model: dict[Any, Binding] = {}
        self._by_name: dict[str, Binding] = {}
        self._is_settled = True
        self.has_bonds = False
        self.has_unenforced = False  # any that must be looked at whenever records are written
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
        self._is_settled = False

    def configure(self) -> None:
        """Make everything ready that was added since the last time; raises DeclarationError or Unsupported."""
        if self._is_settled:
            return
        for store, schemas in self._make_ready().values():
            store.bind(schemas)
            if len(self.stores()) > 1 and store.capabilities.is_durable:
                store.bind(hidden_schemas(store))
        self._is_settled = True

    def stores(self) -> list[Store]:
        """Every store, once, in the order of declaration."""
        return list({id(binding.store): binding.store for binding in self}.values())

    def _make_ready(self) -> dict[int, tuple[Store, list[Schema]]]:
        """Settle all bindings; the stores by ``id()``, each with its schemas."""
        models = {binding.model.__name__: binding.model for binding in self}
        for binding in self:
            binding.declaration.resolve(models)
        stores: dict[int, tuple[Store, list[Schema]]] = {}
        tie(self)
        for binding in self:
            binding.configure(self)
            stores.setdefault(id(binding.store), (binding.store, []))[1].append(binding.schema)
        several = len(stores) > 1
        self.has_late_keys = several and any(binding.makes_late_keys for binding in self)
        self.has_bonds = any(binding.relationships for binding in self)
        self.has_unenforced = any(binding.unenforced or binding.inversely_stored for binding in self)
        return stores

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._by_name.values())

    def of_model(self, model: Any) -> Binding:
        """The binding of a model; raises StateError if it has none."""
        binding = self._by_model.get(model)
        return self.missing_model(model) if binding is None else binding

    def of_name(self, collection: str) -> Binding:
        """The binding of a collection; raises StateError if there is none."""
        binding = self._by_name.get(collection)
        return self.missing_name(collection) if binding is None else binding

    def missing_model(self, model: Any) -> Binding:
        """Raise StateError for a model without a binding; overridden where a binding can be made for it."""
        if not isinstance(model, type):
            raise StateError(f"a model is asked for, which is a class, not {type(model).__name__}")
        raise StateError(f"{model.__name__} is not part of this Holdall: call app.add({model.__name__}, store=...)")

    def missing_name(self, collection: str) -> Binding:
        """Raise StateError for a name without a binding; overridden where a binding can be made for it."""
        raise StateError(f"there is no collection {collection!r} in this Holdall")

    def of_query(self, query: Query[Any]) -> Binding:
        """The binding a query is about. Raises QueryError for what is no query."""
        if not isinstance(query, Query):
            raise QueryError(_no_query(query))
        return self.of_name(query.collection) if query.model is None else self.of_model(query.model)


def _no_query(asked: Any) -> str:
    if isinstance(asked, type) and hasattr(asked, "where"):
        return f"a query is asked, not a class: {asked.__name__}.where()"
    return f"a query is asked, such as Book.where(Book.pages > 100), not {type(asked).__name__}"
