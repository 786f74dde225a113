"""All bindings of an application: which model lives where. ``configure`` ties them together, once for all sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdall.errors import DeclarationError, QueryError, StateError
from holdall.model import Field, Model
from holdall.policy import Right, User
from holdall.query import AnyQuery, Query, Schema, paths_of
from holdall.session.binding import Binding, Relationship
from holdall.session.journal.journal import LEASE, Journal
from holdall.session.journal.schema import hidden_schemas
from holdall.store import Store

__all__ = ["Bindings"]


class Bindings:
    """All bindings of a Holdall, by model and by collection name.

    ``configure`` resolves references by name, makes the schemas and binds the stores to them; it does no I/O.

    Example: :class:`Binding`.
    """

    def __init__(
        self, application: str = "", journal: str = "sqlite:///.holdall/journal.db", lease: float = LEASE
    ) -> None:
        self.journal = Journal(application, self.stores, journal, lease)
        self._by_model: dict[object, Binding] = {}
        self._by_name: dict[str, Binding] = {}
        self._is_settled = True
        self.has_bonds = False
        self.has_unenforced = False  # any that must be looked at whenever records are written
        self.has_stored_ends = False  # any that users might see who may not read what refers
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
        _tie(self)
        for binding in self:
            binding.configure(lambda model: self.of_model(model).collection)
            stores.setdefault(id(binding.store), (binding.store, []))[1].append(binding.schema)
        several = len(stores) > 1
        self.has_late_keys = several and any(binding.makes_late_keys for binding in self)
        self.has_bonds = any(binding.relationships for binding in self)
        self.has_stored_ends = any(
            relationship.stored_inverses for binding in self for relationship in binding.relationships
        )
        self.has_unenforced = any(binding.unenforced or binding.inversely_stored for binding in self)
        return stores

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
        """The stored other ends of references into a model that the user may not see: he may not read what refers."""
        binding = self._by_model.get(model)
        ends = {} if binding is None else binding.stored_ends
        return frozenset(name for name, source in ends.items() if not source.policy.allows(Right.READ, user))

    def demand_ends(self, query: AnyQuery, binding: Binding, user: User) -> None:
        """Raise Forbidden where the query names a stored other end of references from what the user may not read."""
        if user.unrestricted or not self.has_stored_ends:
            return
        for path in paths_of(query):
            current = binding
            for name in path:
                source = current.stored_ends.get(name)
                if source is not None:
                    source.policy.demand(Right.READ, user, source.collection)
                target = current.schema.field(name).target
                if target is None:
                    break
                current = self.of_name(target)

    def of_query(self, query: AnyQuery) -> Binding:
        """The binding a query is about. Raises QueryError for what is no query."""
        if not isinstance(query, Query):
            raise QueryError(_no_query(query))
        return self.of_name(query.collection) if query.model is None else self.of_model(query.model)


def _tie(bindings: Bindings) -> None:
    """Tell each binding the relationships it holds and those that hold it.

    Raises DeclarationError where the ends disagree, or a reference that cannot be empty is to be emptied.
    """
    relationships: list[Relationship] = []
    for binding in bindings:
        for field in binding.declaration.references:
            if field.options.back is None and field.target is not None:
                target = bindings.of_model(field.target())
                relationships.append(Relationship(binding, field, target, tuple(_backs(target, binding, field))))
    for binding in bindings:
        binding.relationships = tuple(relationship for relationship in relationships if relationship.source is binding)
        binding.bound_by = tuple(relationship for relationship in relationships if relationship.target is binding)
        binding.unenforced = tuple(
            relationship for relationship in binding.relationships if not relationship.is_guarded
        )
        binding.inversely_stored = tuple(
            relationship
            for relationship in binding.relationships
            if relationship.stored_inverses or relationship.is_single
        )


def _backs(target: Binding, source: Binding, field: Field) -> Iterable[Field]:
    for back in target.declaration.relations:
        if back.options.back == field.name and back.target is not None and back.target() is source.model:
            yield back


def _no_query(asked: object) -> str:
    if isinstance(asked, type) and hasattr(asked, "where"):
        return f"a query is asked, not a class: {asked.__name__}.where()"
    return f"a query is asked, such as Book.where(Book.pages > 100), not {type(asked).__name__}"
