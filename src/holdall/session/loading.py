"""Loading what records refer to, level by level, with one list of keys for each collection of a level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdall.errors import QueryError
from holdall.model import Field, Record, Reference, record_in, replace_items
from holdall.policy import Right, User
from holdall.query import (
    AnyQuery,
    Compare,
    Condition,
    Key,
    Op,
    Path,
    Query,
    Some,
    Value,
    belongs_to,
    demand_field_of,
    expr,
    owner_of,
    value_getter,
)
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.reader import Reader
from holdall.session.references.key_conditions import chunks, having_keys

__all__ = ["Loading"]

Tree = dict[str, Any]


class Loading:
    """Fills references, lists of them and their other ends, so that reading them needs no ``await``."""

    def __init__(self, bindings: Bindings, records: IdentityMap, reader: Reader, user: User) -> None:
        self._bindings = bindings
        self._records = records
        self._reader = reader
        self._user = user

    async def load(self, records: Sequence[Record], fields: Iterable[Any]) -> None:
        """Load what these fields, each a path from the model of some of the records, lead to."""
        if self._reader.flush is not None:
            await self._reader.flush()
        models, expressions = list(dict.fromkeys(map(type, records))), [expr(field) for field in fields]
        for item in expressions:
            if models and not any(belongs_to(model, owner_of(item)) for model in models):
                demand_field_of(models[0], owner_of(item), item.path)
        for model in models:
            paths = [item.path for item in expressions if belongs_to(model, owner_of(item))]
            await self._level([record for record in records if type(record) is model], _tree(paths))

    async def _level(self, records: Sequence[Record], tree: Tree) -> None:
        for model in dict.fromkeys(map(type, records)):
            binding = self._bindings.of_model(model)
            group = [record for record in records if type(record) is model]
            for name, further in tree.items():
                field = binding.declaration.reference(name)
                if field is None or field.target is None:
                    raise QueryError(f"{model.__name__}.{name} is no reference: there is nothing to load")
                target = self._bindings.of_model(field.target())
                target.policy.demand(Right.READ, self._user, target.collection)
                if not self._user.unrestricted and field.options.back is not None:
                    binding.named_field(name, self._user)
                found = await (self._kept if field.is_stored else self._back)(binding, target, field, group)
                if further and found:
                    await self._level(list({id(record): record for record in found}.values()), further)

    async def _kept(self, binding: Binding, target: Binding, field: Field, group: list[Any]) -> list[Record]:
        """Load the records that references kept in these lead to."""
        items = [item for record in group for item in _items(field, record)]
        keys = dict.fromkeys(item for item in items if item.__class__ is not Reference and item is not None)
        missing = [key for key in keys if self._records.find(target.model, key) is None]
        if missing:
            await self._reader.fetch_keys(target, missing)
        known, found = self._records.of(target.model), list[Any]()
        for record in group:
            replace_items(field, record, lambda item: self._filled(field, item, known))
            found += [record_in(item) for item in _items(field, record) if item.__class__ is Reference]
        return found

    def _filled(self, field: Field, item: object, known: dict[Key, Any]) -> Value:
        if item.__class__ is Reference or item is None:
            return item
        record = known.get(item)
        return item if record is None else Reference(field.target, record=record)

    async def _back(self, binding: Binding, target: Binding, field: Field, group: list[Any]) -> list[Record]:
        """Load the records that refer to these."""
        back, found = (str(field.options.back),), list[Any]()
        lists: list[list[Any]] = [[] for _ in group]
        keys = [record.__key__() for record in group]
        by_key = {key: items for key, items in zip(keys, lists, strict=True) if key is not None}
        reference = target.schema.field(back[0])
        is_many, keys_of = reference.form is not None, value_getter(target.schema, reference)
        for part in chunks(binding, list(by_key)):
            condition: Condition = Compare(back, Op.IN, tuple(part))
            if is_many:
                condition = Some(back, having_keys(binding, part))
            query: AnyQuery = Query(target.collection, condition, model=target.model)
            rows = await self._reader.access(target).fetch(await self._reader.rewritten(query, target))
            for row, record in zip(rows, self._reader.adopt(target, rows), strict=True):
                for key in keys_of(row) if is_many else (keys_of(row),):
                    if key in by_key:
                        by_key[key].append(record)
                found.append(record)
        for record, items in zip(group, lists, strict=True):  # now that all are there
            self._records.backs.keep(record, field.name, items)
        return found


def _tree(paths: Iterable[Path]) -> Tree:
    tree: Tree = {}
    for path in paths:
        place = tree
        for name in path:
            place = place.setdefault(name, {})
    return tree


def _items(field: Field, record: Record) -> tuple[Value, ...]:
    value = field.get(record)
    return tuple(value) if field.form is not None else (value,)
