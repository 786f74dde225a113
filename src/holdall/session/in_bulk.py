"""Updates and removals of all records that a query means, without loading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from holdall.errors import FieldError, QueryError, StateError, Unsupported, ValidationError
from holdall.files import File, FileCodec
from holdall.model import Field, Frozen
from holdall.policy import Right
from holdall.query import (
    AnyQuery,
    Expression,
    Kind,
    NestedName,
    Path,
    Query,
    Value,
    demand_field_of,
    owner_of,
    paths_behind,
    paths_of,
    resolve,
)
from holdall.session.binding import Binding
from holdall.session.bulk_references import demand_seen
from holdall.session.commit.plan.make_plan import written_version
from holdall.session.commit.plan.presets import read_only_fields
from holdall.session.commit.plan.rights import demand_whole, rights_of_removal
from holdall.session.context import SessionContext
from holdall.session.flushing import Flushing
from holdall.session.pending_bulk import PendingBulk
from holdall.session.references.guarded_access import names_field
from holdall.session.references.locality import is_local
from holdall.session.stamp import deletion_slots
from holdall.store import Feature, Transactional, Verb, demand_at_most

__all__ = ["InBulk"]


class InBulk(msgspec.Struct, eq=False):
    """Makes the bulk changes of one session.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str = ""
    ...     rank: int = field(default=0, ge=0)
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session:
    ...         session.add_all([Country(code="FR"), Country(code="XK"), Country(code="YU")])
    ...     async with app.session() as session:
    ...         france = await session.require(Country, "FR")
    ...         print(await session.update(Country.where(Country.code < "Y"), rank=3))
    ...         print(await session.delete(Country.where(Country.code == "YU"), max_affected=1))
    ...         print(session.plan())
    ...         await session.commit()
    ...         print(france.rank, await session.count(Country.where()))
    >>> import asyncio
    >>> asyncio.run(example())
    2
    1
    main: update country where code < "Y": rank, at most 10000
    main: remove country where code = "YU", at most 1
    promise: all or nothing
    3 2
    """

    context: SessionContext
    flushing: Flushing

    async def update(self, query: AnyQuery, values: Mapping[str, object], most: int | None) -> int:
        """Give values to all records that the query means. Raises QueryError without values."""
        binding = self._binding(query, most)
        if not values:
            raise QueryError("an update needs values: update(query, pages=0)")
        binding.policy.demand(Right.UPDATE, self.context.writer, binding.collection)
        if binding.declaration.deletion is not None and binding.declaration.deletion.name in values:
            raise QueryError(f"{binding.collection} is deleted by delete(), and restored record by record")
        formulas = {name: value for name, value in values.items() if isinstance(value, Expression)}
        slots = self._slots(binding, {name: value for name, value in values.items() if name not in formulas})
        if not self.context.writer.unrestricted:
            await demand_seen(self.context, binding, slots)
        computed = self._computed(binding, formulas)
        is_plain = _keeps_rules(binding, slots) and _is_plain_formula(binding, computed, [*slots, *computed])
        pending = await self._pending(binding, Verb.UPDATE, query, slots, most, is_plain=is_plain)
        pending.computed = computed
        return await self._make(pending)

    async def delete(self, query: AnyQuery, most: int | None, *, is_final: bool) -> int:
        """Remove all records that the query means; those with soft deletion stay, unless the removal ``is_final``."""
        binding, user = self._binding(query, most), self.context.writer
        binding.policy.demand(Right.DELETE, user, binding.collection)
        is_final = is_final or binding.declaration.deletion is None
        for source, right in rights_of_removal(binding, is_final=is_final):
            demand_whole(source, right, user)
        if not is_final:
            slots, is_plain = deletion_slots(binding, user), not (binding.bound_by or binding.declaration.checks)
            return await self._make(await self._pending(binding, Verb.UPDATE, query, slots, most, is_plain=is_plain))
        lists = any(field.form is not None for field in binding.declaration.outgoing)
        is_plain = not (binding.bound_by or binding.inversely_stored or lists or binding.schema.streams)
        return await self._make(await self._pending(binding, Verb.REMOVE, query, {}, most, is_plain=is_plain))

    def _binding(self, query: AnyQuery, most: int | None) -> Binding:
        """The binding of a query that can be changed in bulk, once it is seen that the session may do that now."""
        context = self.context
        context.demand_open()
        context.committer.demand_idle()
        binding = context.bindings.of_query(query)
        if query.grouping is not None or query.projection or query.position is not None:
            raise QueryError("a bulk change takes a query of whole records: a condition, a sort, a limit, an offset")
        if most is not None and (type(most) is not int or most < 0):
            raise QueryError("max_affected is a number of records, or None for any")
        if binding.record_access is not None:
            raise Unsupported(binding.store.name, "bulk changes", "hand-written code takes one record at a time")
        binding.demand_writable()
        inside = context.bindings.inside
        if inside is not None and inside.store is not binding.store:
            raise StateError(
                f"{binding.collection} is in store {binding.store.name!r}, and this transaction writes"
                f" {inside.store.name!r} alone: change it outside of the block"
            )
        return binding

    async def _pending(
        self,
        binding: Binding,
        verb: Verb,
        query: AnyQuery,
        slots: dict[Field, Value],
        most: int | None,
        *,
        is_plain: bool,
    ) -> PendingBulk:
        able = isinstance(binding.store, Transactional) and Feature.BULK_CHANGES in binding.store.capabilities.features
        named, deletion = binding.named(query), binding.declaration.deletion
        if deletion is not None and (deletion in slots or not names_field(query.condition, deletion.name)):
            named = named.where(binding.living)
        if self.context.is_judged:
            named, is_plain = await self.context.reader.seen(named, binding), False
        is_plain = able and is_plain and self._stays(binding, named)
        return PendingBulk(binding, verb, named, slots, most, is_plain, self.context.user)

    def _stays(self, binding: Binding, query: AnyQuery) -> bool:
        """Whether the store of a collection can answer the query by itself."""
        if is_local(query):
            return True
        features = binding.store.capabilities.features
        if not {Feature.RELATIONS, Feature.MANY_CONDITIONS} <= features:
            return False
        for path in paths_of(query):
            current = binding
            for name in path:
                field = current.schema.field(name)
                if field.inside is not None or isinstance(field.back, NestedName):
                    return False  # of references inside values no store knows
                target = field.target
                if target is None:
                    break
                current = self.context.bindings.of_name(target)
                if current.store is not binding.store:
                    return False
        return True

    def _slots(self, binding: Binding, values: Mapping[str, object]) -> dict[Field, Value]:
        """The values as records have them. Raises ValidationError with everything that is wrong."""
        errors, slots = list[FieldError](), dict[Field, Value]()
        refused = read_only_fields(binding, self.context.writer, is_new=False)
        version, model = binding.declaration.version, binding.model.__name__
        for name, value in values.items():
            field = binding.declaration.by_name.get(name)
            if name in refused:
                errors.append(refused[name])
            elif field is None or not field.is_stored:
                errors.append(FieldError(name, "unknown", "is not a field that can be written"))
            elif field in binding.declaration.key:
                errors.append(FieldError(name, "frozen", "is the key: change_key() changes that of one record"))
            elif field is version:
                raise StateError(written_version(model, name))
            elif field.frozen & Frozen.UPDATE:
                errors.append(FieldError(name, "frozen", "is frozen and must stay as it is"))
            elif field.options.setter is not None:
                raise Unsupported(binding.store.name, f"bulk changes of {name}", "its setter takes a record: load them")
            else:
                slots[field] = field.validate(value, errors)
                if isinstance(value, File):
                    errors.append(FieldError(name, "file", "is given to one record at a time: load them"))
        if errors:
            raise ValidationError(model, errors)
        return slots

    def _computed(self, binding: Binding, formulas: Mapping[str, Expression[object]]) -> dict[Field, Path]:
        """The formulas by the fields that they give values. Raises QueryError for one of another kind."""
        found = dict[Field, Path]()
        for name, formula in formulas.items():
            demand_field_of(binding.model, owner_of(formula), formula.path)
            self._demand_settable(binding, name)
            if isinstance(binding.declaration.by_name[name].options.codec, FileCodec):
                raise Unsupported(binding.store.name, f"bulk changes of {name}", "a file belongs to one record")
            field, schemas = binding.declaration.by_name[name], {binding.collection: binding.schema}
            if any(len(path) > 1 for path in paths_behind(formula.path)):
                raise QueryError(f"{name} is computed of the fields of its own record; other values are read first")
            kind = resolve(schemas, binding.schema, formula.path)[-1][1].kind
            if kind is not field.kind:
                raise QueryError(f"{name} is {field.kind}, and its formula gives {kind}")
            found[field] = formula.path
        return found

    def _demand_settable(self, binding: Binding, name: str) -> None:
        """Refuse a field that no value can be given to, whichever it is."""
        field = binding.declaration.by_name.get(name)
        is_refused = name in read_only_fields(binding, self.context.writer, is_new=False)
        if is_refused or field is None or field in binding.declaration.key or field is binding.declaration.version:
            self._slots(binding, {name: None})
        elif (
            not field.is_stored or field.is_relation or field.frozen & Frozen.UPDATE or field.options.setter is not None
        ):
            raise QueryError(f"{name} cannot be computed by a bulk change")

    async def _make(self, pending: PendingBulk) -> int:
        """Make the change now, within a transaction, or note it for the commit; how many records it means now."""
        records = self.context.records
        if self.context.bindings.inside is None:
            number = await self._number(pending)
            records.bulk.append(pending)
            return number
        await self.flushing.flush()
        records.bulk.append(pending)
        try:
            await self.flushing.flush()
        finally:
            records.bulk.clear()
        return pending.number

    async def _number(self, pending: PendingBulk) -> int:
        """How many records the query means. Raises LimitExceeded where that is more than may be."""
        reader, query = self.context.reader, pending.query
        if self.context.is_judged:  # it means visible records alone, and may look at hidden fields for that
            access = self.context.bindings.access(pending.binding)
            bounded = (
                query
                if pending.most is None
                else query.limit(min(query.max_rows or pending.most + 1, pending.most + 1))
            )
            number = len(await access.fetch(bounded))
        elif self.context.bindings.counting(pending.binding) is not None:
            number = max(0, await reader.count(Query(query.collection, query.condition)) - query.skip)
            number = number if query.max_rows is None else min(number, query.max_rows)
        else:
            limit = (
                query.max_rows if pending.most is None else min(query.max_rows or pending.most + 1, pending.most + 1)
            )
            keys = [(name,) for name in pending.binding.schema.key]
            bounded = query if limit is None else query.limit(limit)
            is_projecting = Feature.PROJECTION in pending.binding.store.capabilities.features
            number = len(await reader.rows(bounded.only(*keys) if is_projecting else bounded))
        demand_at_most(pending.change(query), number)
        return number


_SIMPLE = frozenset({Kind.INT, Kind.FLOAT, Kind.STR, Kind.BOOL})


def _is_plain_formula(binding: Binding, computed: Mapping[Field, Path], fields: Sequence[Field]) -> bool:
    """Whether a database computes the same: of simple values, with no rule to keep, of no other field that changes."""
    if not computed:
        return True
    if Feature.EXPRESSIONS not in binding.store.capabilities.features:
        return False
    names = {field.name for field in fields}
    for field, path in computed.items():
        others = {own for (own,) in paths_behind(path)}
        kinds = {binding.schema.field(own).kind for own in others} | {field.kind}
        if (
            field.rules
            or field.options.transitions
            or (not field.nullable and _may_be_null(binding, others))
            or not kinds <= _SIMPLE
        ):
            return False
        if others & (names - {field.name}):
            return False
    return True


def _may_be_null(binding: Binding, names: Iterable[str]) -> bool:
    return any(binding.schema.field(name).nullable for name in names)


def _keeps_rules(binding: Binding, slots: Mapping[Field, Value]) -> bool:
    """Whether no rule of the model or of its references has to look at the records for these values."""
    if binding.declaration.checks:
        return False
    kept = {relationship.field.root for relationship in binding.unenforced + binding.inversely_stored}
    return all(field.form is None and field not in kept and field.options.transitions is None for field in slots)
