"""Records in an order of their own: moved before or after others, and put evenly apart."""

from __future__ import annotations

from typing import Literal

import msgspec

from holdall.errors import LimitExceeded, QueryError, StateError
from holdall.model import LONGEST_PLACE, Ordered, Record, State, place_between, places, state_of
from holdall.query import AnyQuery, Compare, Condition, Op, Query, SortKey, Value
from holdall.session.binding import Binding
from holdall.session.context import SessionContext, demand_record

__all__ = ["Ordering"]

_MOST = 10_000


class Ordering(msgspec.Struct, eq=False):
    """Moves records of one session in the lists that they are in.

    >>> from holdall import Holdall, Ordered, field
    >>> class Task(Ordered):
    ...     __within__ = ("project",)
    ...     id: int = field(pk=True)
    ...     project: str
    >>> async def example() -> None:
    ...     app = Holdall("tasks")
    ...     app.add_store("main", "memory:")
    ...     app.add(Task, store="main")
    ...     async with app.session() as session:
    ...         tasks = session.add_all([Task(id=number, project="ab"[number % 2]) for number in range(6)])
    ...         await session.commit()
    ...         await session.move(tasks[0], after=tasks[4])
    ...         await session.move(tasks[4], to="first")
    ...         await session.commit()
    ...         print([task.id for task in await session.query(Task.in_order(Task.project == "a"))])
    ...         print(await session.respace(Task.in_order(Task.project == "a")))
    >>> import asyncio
    >>> asyncio.run(example())
    [4, 2, 0]
    3
    """

    context: SessionContext

    async def move(
        self, record: Record, before: Record | None, after: Record | None, to: Literal["first", "last"] | None
    ) -> None:
        """Put the record at another place of its list.

        Raises StateError for a model without order and for other than one place, LimitExceeded where a list must be
        spaced anew.
        """
        context = self.context
        context.demand_open()
        demand_record("move", record)
        context.demand_held(record)
        binding = context.bindings.of_model(type(record))
        if not issubclass(binding.model, Ordered):
            raise StateError(f"{binding.model.__name__} has no order: class {binding.model.__name__}(Ordered) has")
        if sum(each is not None for each in (before, after, to)) != 1 or to not in (None, "first", "last"):
            raise StateError('move takes one of before=, after=, to="first" and to="last"')
        beside = before or after
        if beside is record:
            raise StateError("a record is moved before or after another, not itself")
        if beside is not None:
            self._demand_beside(binding, record, beside)
        is_after = after is not None or to == "first"  # the place is sought upwards from there
        start = None if beside is None else _place(beside)
        other = await self._next(binding, record, start, is_upwards=is_after)
        if is_after:
            low, high = "" if beside is None else beside.position, None if other is None else other.position
        else:
            low, high = "" if other is None else other.position, None if beside is None else beside.position
        found = place_between(low, high)
        if len(found) > LONGEST_PLACE:
            raise LimitExceeded("moves to one place of a list", len(found), "put it evenly apart by respace()")
        record.position = found

    def _demand_beside(self, binding: Binding, record: Record, beside: Record) -> None:
        demand_record("move", beside)
        self.context.demand_held(beside)
        if type(beside) is not binding.model:
            raise StateError(f"a {binding.model.__name__} is moved among its like, not beside {type(beside).__name__}")
        if _list_of(binding, record) != _list_of(binding, beside):
            names = ", ".join(binding.model.__within__)
            raise StateError(f"the two are in different lists, as {names} differs: give the record its {names} first")

    async def _next(self, binding: Binding, record: Record, start: Value, *, is_upwards: bool) -> Record:
        """The nearest record of the list above or below a place, or at its end; as the session has changed them."""
        records = self.context.records
        records.collect()
        model, own = binding.model, _list_of(binding, record)
        here = [each for each in (*records.new.values(), *records.dirty.values()) if type(each) is model]
        condition = _within(binding, own)
        if start is not None:
            op = Op.GE if is_upwards else Op.LE
            condition = condition & Compare(("position",), op, start[0])
        keys = [
            SortKey(("position",), not is_upwards),
            *[SortKey((name,), not is_upwards) for name in binding.schema.key],
        ]
        asked: AnyQuery = Query(binding.collection, condition, tuple(keys), len(here) + 3, model=model)
        candidates = {id(each): each for each in (*await self.context.reader.query(asked), *here)}
        found = [
            each
            for each in candidates.values()
            if each is not record and state_of(each) is not State.DELETED and _list_of(binding, each) == own
        ]
        if is_upwards:
            return min((each for each in found if start is None or _place(each) > start), key=_place, default=None)
        return max((each for each in found if start is None or _place(each) < start), key=_place, default=None)

    async def respace(self, query: AnyQuery) -> int:
        """Put the records of a query evenly apart, in the order that it has.

        Raises QueryError for a query of less than whole records in order, LimitExceeded for more than are spaced at
        once.
        """
        context = self.context
        context.demand_open()
        binding = context.bindings.of_query(query)
        if not issubclass(binding.model, Ordered) or query.projection or query.grouping is not None:
            raise QueryError("respace takes a query of records that have an order: Task.in_order(...)")
        found = await context.reader.query(query.limit(_MOST + 1) if query.max_rows is None else query)
        if len(found) > _MOST:
            raise LimitExceeded("records put evenly apart at once", _MOST, "give the query of one list")
        for record, place in zip(found, places(len(found)), strict=True):
            record.position = place
        return len(found)


def _place(record: Record) -> tuple[str, Value]:
    key = record.__key__()
    return record.position, (key is None, 0 if key is None else key)


def _list_of(binding: Binding, record: Record) -> tuple[Value, ...]:
    """The values that make the list of a record."""
    by_name = binding.declaration.by_name
    return tuple([by_name[name].encode(by_name[name].get(record)) for name in binding.model.__within__])


def _within(binding: Binding, own: tuple[Value, ...]) -> Condition:
    found: Condition = Compare(("position",), Op.IS_NULL, False)
    for name, value in zip(binding.model.__within__, own, strict=True):
        found = found & (Compare((name,), Op.IS_NULL, True) if value is None else Compare((name,), Op.EQ, value))
    return found
