"""A binding: a model in its store, under a collection name and a policy, with the relationships of its records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from holdall.errors import DeclarationError, Forbidden, QueryError, ReadOnly
from holdall.model import Declaration, Field, Frozen, Model, OnDelete, decode_text, schema_of
from holdall.policy import Policy, Right, User, tenant_rule
from holdall.query import ALWAYS, AnyQuery, Asked, Compare, Condition, FieldSchema, Generated, Key, Op, Query, Schema
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
        accepted: Collection[str] = (),
    ) -> None:
        self.model: Any = model
        self.accepted = frozenset(accepted)  # names of differences that do not keep the application from starting
        self.take_store(store)
        self.policy = policy.of(model, tenant_rule(model))
        self.collection = collection
        self.semi_join_limit = semi_join_limit
        self.compensation = compensation
        self.is_hidden = False  # whether only Holdall itself reads and writes it, so that no commit reports it
        self.is_watched = False  # whether somebody listens to changes of its records
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
        self.session_keys = tuple(  # those that a session makes
            field
            for field in self.declaration.key
            if field.generated is Generated.CLIENT and field.name not in self.store_keys
        )
        self.direct_fields = frozenset(  # whose slots hold border values
            field.name
            for field in self.declaration.stored
            if field.type is not None and field.type.encode is None and field.name not in self.store_keys
        )
        self.schema: Schema = Schema(collection, (), ())
        self.secrets: frozenset[str] = frozenset()  # fields whose values nobody may ask for or is told
        self.row_key: Callable[[Row], Any] = itemgetter(0)
        self._subsets: dict[frozenset[str], tuple[str, ...]] = {}
        self._updates: dict[frozenset[str], tuple[str, ...]] = {}
        self.frozen_at_creation = tuple(
            (field, field.default())
            for field in self.declaration.stored
            if field.frozen & Frozen.CREATE and field.has_default and field.options.default_factory is None
        )
        self.all_fields = tuple(field.name for field in self.declaration.stored)
        deletion = self.declaration.deletion
        self.living: Condition = ALWAYS if deletion is None else Compare((deletion.name,), Op.IS_NULL, True)
        self.server_defaults = tuple(
            [field for field in self.declaration.stored if field.generated is Generated.DEFAULT]
        )
        self.server_computed = frozenset(
            [field.name for field in self.declaration.stored if field.generated is Generated.COMPUTED]
        )
        self.has_server_values = bool(self.server_defaults or self.server_computed)
        self.is_read_only = self.declaration.is_read_only
        self.is_keyless = not self.declaration.key
        self.relationships: tuple[Relationship, ...] = ()  # the references its records hold
        self.bound_by: tuple[Relationship, ...] = ()  # those that lead to them
        self.unenforced: tuple[Relationship, ...] = ()  # those of its own that no store keeps
        self.inversely_stored: tuple[Relationship, ...] = ()  # those of its own that must be told of at their other end
        self.releasable: tuple[Field, ...] = ()  # unique references that may be empty: who gives one up goes first

    @cached_property
    def compared_fields(self) -> tuple[str, ...]:
        """The names of the stored fields that are compared where a record is expected to be as it was read."""
        key, version = self.schema.key, self.declaration.version
        return tuple([each.name for each in self.declaration.stored if each.name not in key and each is not version])

    def take_store(self, store: Store) -> None:
        """Ask this store from now on: the one it is kept in, or what stands around that."""
        self.store = store
        self.count = store.count if isinstance(store, Aggregating) else None
        self.record_access = store if isinstance(store, RecordAccess) else None

    def kept_in(self, store: Store) -> Binding:
        """The same model under the same rules, kept in this store."""
        limit = self.semi_join_limit
        return Binding(self.model, store, self.policy, self.collection, limit, self.compensation, self.accepted)

    def key_of_texts(self, texts: Sequence[str]) -> Key:
        """The key whose parts are told as texts, as ``str`` writes them; raises ValidationError for what is none."""
        fields = self.declaration.key
        parts = tuple([field.encode(decode_text(field, text)) for field, text in zip(fields, texts, strict=True)])
        return parts if len(parts) > 1 else parts[0]

    def is_open_to(self, user: User) -> bool:
        """Whether queries of the user go to its store as they are: he may read every record, and none is deleted."""
        return (user.unrestricted or self.policy.is_simple) and self.declaration.deletion is None

    @property
    def stored_ends(self) -> dict[str, Binding]:
        """The lists, stored with its records, of what refers to them, each with the collection that refers."""
        return {
            back.name: relationship.source for relationship in self.bound_by for back in relationship.stored_inverses
        }

    @property
    def may_hide(self) -> bool:
        """Whether there are users who may not read some of its fields."""
        ends = [each for each in self.bound_by if each.backs]
        return self.policy.may_hide or any(each.stored_inverses or each.source.policy.may_hide for each in ends)

    def hidden(self, user: User) -> frozenset[str]:
        """The fields that the user may not read: by the policy; other ends of references in fields that he may not
        read; and lists that tell which records refer to one, of which he may not read every one.
        """
        found = self.policy.hidden(user) if self.policy.has_fields else frozenset[str]()
        ends = [back.name for each in self.bound_by for back in each.backs if each.is_hidden_at(back, user)]
        return found.union(ends) if ends else found

    def named_field(self, name: str, user: User) -> FieldSchema:
        """The field of this name. Raises QueryError where there is none that the user may read, and Forbidden for a
        stored other end of references from what he may not read.
        """
        source = self.stored_ends.get(name)
        if source is not None and not source.policy.is_whole(Right.READ, user):
            raise Forbidden(Right.READ, source.collection)
        hidden = self.hidden(user)
        field = self.schema.by_name.get(name)
        if field is None or field.kept_in in hidden:
            known = sorted(each.name for each in self.schema.by_name.values() if each.kept_in not in hidden)
            raise QueryError(f"{self.collection} has no field {name!r}; it has {', '.join(known)}")
        return field

    @property
    def can_expect(self) -> bool:
        """Whether its store compares what is expected of a record with what it has."""
        return Feature.EXPECTED in self.store.capabilities.features and self.record_access is None

    @property
    def can_check(self) -> bool:
        """Whether its store compares a record that is not written."""
        return Feature.CHECKS in self.store.capabilities.features and self.record_access is None

    @property
    def makes_late_keys(self) -> bool:
        """Whether its store makes keys, in one batch with everything else it is given."""
        is_batch = self.store.capabilities.commit is CommitClass.BATCH
        return is_batch and bool(self.store_keys)

    @property
    def _takes_rules(self) -> bool:
        """Whether its store can be given unique rules; those of APIs and hand-written code are what they are."""
        return Feature.UNIQUE in self.store.capabilities.features and isinstance(self.store, Provisioned)

    def named(self, query: AnyQuery) -> AnyQuery:
        """The query as the store takes it: under the collection's name there, and of no model."""
        return Query(
            self.collection,
            query.condition,
            query.sort_keys,
            query.max_rows,
            query.skip,
            query.position,
            query.projection,
            None,
            query.grouping,
        )

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
            own = changed - self.server_computed
            names = [name for name in self.all_fields if name in own and (version is None or name != version.name)]
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
        self.secrets = frozenset([field.name for field in self.schema.fields if field.asked is Asked.NOTHING])
        unique = {name for rule in self.schema.unique for name in rule}
        self.releasable = tuple(
            [field for field in self.declaration.references if field.nullable and field.name in unique]
        )
        if not self.is_keyless:
            self.row_key = itemgetter(*(self.schema.positions[name] for name in self.schema.key))

    def demand_writable(self) -> None:
        """Raise ReadOnly for a collection that is never written."""
        if self.is_read_only:
            raise ReadOnly(self.store.name, self.collection)


class Relationship:
    """The records of ``source`` refer by ``field``, a Ref or a stored Many, to records of ``target``.

    ``backs`` are the target's fields that are the other end of the same reference; those of ``stored_inverses`` are
    stored there. ``is_single`` if one record of the target has at most one of the source. ``is_guarded`` if both ends
    are in one store that keeps references itself, as the other side of DAOs is taken to do, and the target goes when it
    is removed.

    Example: :class:`Binding`.
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
        is_written = not (source.is_read_only or target.is_read_only)  # of what others keep, no rule is known
        stays = target.declaration.deletion is not None  # no store knows that a deleted record is not to be referred to
        is_column = field.root is field  # no store looks into the values of a field
        self.is_guarded = source.store is target.store and is_kept and is_written and is_column and not stays
        self.on_delete = _rule(field, backs)

    @property
    def is_followed_softly(self) -> bool:
        """Whether a deletion after which the target stays concerns those who refer: they may forbid it, or go along."""
        stays = self.source.declaration.deletion is not None
        return self.on_delete is OnDelete.RESTRICT or (self.on_delete is OnDelete.CASCADE and stays)

    def is_hidden_at(self, back: Field, user: User) -> bool:
        """Whether this other end would tell the user what he may not read: the reference, or all records of a list that
        is stored.
        """
        policy = self.source.policy
        if policy.has_fields and self.field.root.name in policy.hidden(user):
            return True
        return back.is_stored and not policy.is_whole(Right.READ, user)

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
