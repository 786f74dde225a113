"""A binding: a model in its store, under a collection name and a policy, with the relationships of its records."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from holdall.errors import DeclarationError
from holdall.model import Declaration, Field, Frozen, Model, OnDelete, schema_of
from holdall.policy import Policy
from holdall.query import Generated, Schema
from holdall.session.compensation import Compensate, Compensation
from holdall.store import Aggregating, CommitClass, Feature, KeyMaking, Provisioned, RecordAccess, Row, Store

__all__ = ["Binding", "Relationship"]


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
        """Whether its store makes keys, in one batch with everything else it is given."""
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

    def configure(self, collection_of: Callable[[Any], str]) -> None:
        """Make the schema, once every model it refers to is bound and the relationships are known."""
        exclusive = (
            [relationship.field.name for relationship in self.relationships if relationship.is_single]
            if self._takes_rules
            else ()
        )
        self.schema = schema_of(self.model, self.collection, collection_of, exclusive)
        unique = {name for rule in self.schema.unique for name in rule}
        self.releasable = tuple(
            [field for field in self.declaration.references if field.nullable and field.name in unique]
        )
        self.row_key = itemgetter(*(self.schema.positions[name] for name in self.schema.key))


class Relationship:
    """The records of ``source`` refer by ``field``, a Ref or a stored Many, to records of ``target``.

    ``backs`` are the target's fields that are the other end of the same reference; those of ``stored_inverses`` are
    stored there. ``is_single`` if one record of the target has at most one of the source. ``is_guarded`` if both ends
    are in one store that keeps references itself, as the other side of DAOs is taken to do.
    """

    __slots__ = ("backs", "field", "is_guarded", "is_single", "on_delete", "source", "stored_inverses", "target")

    def __init__(self, source: Binding, field: Field, target: Binding, backs: tuple[Field, ...]) -> None:
        self.source = source
        self.field = field
        self.target = target
        self.backs = backs
        self.stored_inverses = tuple(back for back in backs if back.is_stored)
        self.is_single = any(back.is_single for back in backs)
        is_kept = Feature.FOREIGN_KEYS in source.store.capabilities.features or source.record_access is not None
        self.is_guarded = source.store is target.store and is_kept
        self.on_delete = _rule(field, backs)

    @property
    def name(self) -> str:
        """The name in messages: ``book.author``."""
        return f"{self.source.collection}.{self.field.name}"


def _rule(field: Field, backs: tuple[Field, ...]) -> OnDelete:
    """Return the rule of one end, or of both alike; the removal is refused where neither says anything."""
    said = {end.options.on_delete for end in (field, *backs) if end.options.on_delete is not None}
    where = f"{field.model}.{field.name}"
    if len(said) > 1:
        raise DeclarationError(f"{where}: its two ends say different things of on_delete; say it at one of them")
    rule = said.pop() if said else OnDelete.RESTRICT
    if rule is OnDelete.UNLINK and not field.may_be_emptied:
        raise DeclarationError(f"{where} cannot be emptied, so UNLINK cannot work: make it optional, or CASCADE")
    return rule
