"""Records that are got or made, and made or changed: written at once, so that of several who do so only one adds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from holdall.errors import (
    AlreadyExists,
    CommitAborted,
    NotFound,
    QueryError,
    StaleVersion,
    StateError,
    UniqueViolation,
)
from holdall.model import Model
from holdall.query import And, AnyQuery, Compare, Op, Query, Value
from holdall.session.binding import Binding
from holdall.session.changing import Changing
from holdall.session.commit.run.run import CommitOptions
from holdall.session.committing import Committing
from holdall.session.context import M, SessionContext
from holdall.session.flushing import Flushing
from holdall.session.fresh_reading import FreshReading
from holdall.session.transactions import Transactions

__all__ = ["Upserted", "Upserting"]

T = TypeVar("T", bound=Model)

_TRIES = 20


class Upserted(msgspec.Struct, Generic[T], frozen=True):
    """A record that was got, changed or made; ``is_new`` if it was made by this call.

    >>> Upserted("so", is_new=True).is_new
    True
    """

    record: T
    is_new: bool


class Upserting(msgspec.Struct, eq=False):
    """Gets or makes, and changes or makes, records of one session.

    >>> from holdall import Holdall, Model, field
    >>> class Word(Model):
    ...     id: int = field(pk=True, generated=True)
    ...     text: str = field(unique=True)
    ...     times: int = 0
    >>> async def example() -> None:
    ...     app = Holdall("words")
    ...     app.add_store("main", "memory:")
    ...     app.add(Word, store="main")
    ...     async with app.session() as session:
    ...         made = await session.get_or_create(Word, {"text": "so"}, times=1)
    ...         print(made.is_new, made.record.times)
    ...         print((await session.get_or_create(Word, {"text": "so"}, times=9)).record.times)
    ...         changed = await session.upsert(Word, {"text": "so"}, times=2)
    ...         print(changed.is_new, changed.record is made.record, made.record.times)
    >>> import asyncio
    >>> asyncio.run(example())
    True 1
    1
    False True 2
    """

    context: SessionContext

    async def get_or_create(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object]
    ) -> Upserted[M]:
        """The record with these key or unique values, made with the others where there is none."""
        return await self._until_done(model, by, values, is_changed=False)

    async def upsert(self, model: type[M], by: Mapping[str, object], values: Mapping[str, object]) -> Upserted[M]:
        """The record with these key or unique values, with the others: changed, or made where there is none."""
        return await self._until_done(model, by, values, is_changed=True)

    async def _until_done(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object], *, is_changed: bool
    ) -> Upserted[M]:
        context = self.context
        context.demand_open()
        binding = context.bindings.of_model(model)
        query = _found_by(binding, by)
        twice = sorted(by.keys() & values.keys())
        if twice:
            raise QueryError(f"{twice[0]} is given twice: by it the record is found")
        if context.bindings.inside is None:
            context.demand_no_act("upsert() and get_or_create(), which write at once,")
            self._demand_not_removed(binding, by)
        once, was_made = self._inside if context.bindings.inside is not None else self._apart, False
        for number in range(_TRIES):
            try:
                is_new = await once(binding, query, {**by, **values}, values if is_changed else {})
            except CommitAborted as error:
                if not _is_raced(error) or (number == _TRIES - 1 and not was_made):
                    raise
                continue
            found = await FreshReading(context).query(query, None)
            if found:
                return Upserted(found[0], is_new)
            was_made = was_made or is_new  # and somebody else has removed it, or the user may not read it
        raise NotFound(binding.collection, dict(by))

    def _demand_not_removed(self, binding: Binding, by: Mapping[str, object]) -> None:
        """Refuse a record that the next commit removes."""
        fields = [(binding.declaration.by_name[name], value) for name, value in by.items()]
        for record in self.context.records.deleted.values():
            if type(record) is binding.model and all(field.get(record) == value for field, value in fields):
                raise StateError(
                    f"this session removes the {binding.collection} that is found by {', '.join(by)}; commit that first"
                )

    async def _apart(
        self, binding: Binding, query: AnyQuery, whole: Mapping[str, object], changes: Mapping[str, object]
    ) -> bool:
        """Do it in a session of its own, which is committed: whether the record is new."""
        apart = SessionContext(self.context.bindings, self.context.user, self.context.strategy)
        changing = Changing(apart)

        async def end() -> None:
            await Committing(apart, changing).commit(CommitOptions(apart.strategy))

        return await _once(apart, changing, binding, query, whole, changes, end)

    async def _inside(
        self, binding: Binding, query: AnyQuery, whole: Mapping[str, object], changes: Mapping[str, object]
    ) -> bool:
        """Do it in a part of the transaction that is open: whether the record is new."""
        changing = Changing(self.context)
        flushing = Flushing(self.context, changing)
        async with Transactions(self.context, flushing).savepoint():
            return await _once(self.context, changing, binding, query, whole, changes, flushing.flush)


async def _once(
    context: SessionContext,
    changing: Changing,
    binding: Binding,
    query: AnyQuery,
    whole: Mapping[str, object],
    changes: Mapping[str, object],
    end: Callable[[], Awaitable[None]],
) -> bool:
    found = await context.reader.query(query)
    if not found:
        changing.add(binding.model(**whole))
        await end()
        return True
    for name, value in changes.items():
        setattr(found[0], name, value)
    if changes:
        await end()
    return False


def _found_by(binding: Binding, by: Mapping[str, object]) -> AnyQuery:
    """The query for the record. Raises QueryError for fields that are neither the key nor together unique."""
    names, schema = frozenset(by), binding.schema
    rules = [frozenset(schema.key), *map(frozenset, schema.unique)]
    if names not in rules:
        shown = " or ".join(", ".join(sorted(rule)) for rule in rules)
        raise QueryError(f"a {binding.collection} is found by {shown}, not by {', '.join(sorted(names)) or 'nothing'}")
    conditions = list[Compare]()
    for name, given in by.items():
        field = binding.declaration.by_name[name]
        value: Value = field.encode(given)
        if value is None:
            raise QueryError(f"a {binding.collection} is not found by {name}, which is null: null is never the same")
        conditions.append(Compare((name,), Op.EQ, value))
    return Query(binding.collection, And(tuple(conditions)), model=binding.model)


def _is_raced(error: CommitAborted) -> bool:
    """Whether somebody else was faster, so that another try finds what he wrote."""
    return isinstance(error.__cause__, AlreadyExists | UniqueViolation | StaleVersion) or error.is_retryable
