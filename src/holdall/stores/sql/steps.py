"""Steps: what writing is made of. ``writes`` yields them as values, each driver carries them out its own way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, overload

import msgspec
import sqlalchemy as sa

from holdall.errors import Conflict
from holdall.query import Schema, Value
from holdall.store import Change, Fence, Footprint, Held, Outcome, Row, demand_unreserved, footprint_of
from holdall.stores.sql.compile import Statement

__all__ = [
    "Bulk",
    "ColumnRows",
    "Delete",
    "FenceWork",
    "Find",
    "Insert",
    "Lock",
    "Look",
    "PartSteps",
    "Release",
    "Step",
    "Steps",
    "StillReferred",
    "Update",
    "Work",
]


class ColumnRows(Sequence[Row]):
    """Rows given as their columns; each is made when it is asked for."""

    __slots__ = ("columns",)

    def __init__(self, *columns: Sequence[Value]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> ColumnRows: ...
    def __getitem__(self, index: int | slice) -> Row | ColumnRows:
        found = [column[index] for column in self.columns]
        return ColumnRows(*found) if isinstance(index, slice) else tuple(found)

    def __iter__(self) -> Iterator[Row]:
        return zip(*self.columns, strict=True)

    def counted(self) -> tuple[Iterator[Row], Iterator[Any]]:
        """An iterator over the rows, and one that is always as far, whose length hint tells how many are left."""
        *columns, last = self.columns
        left = iter(last)
        return zip(*columns, left, strict=True), left


class Insert(msgspec.Struct):
    """New rows for ``columns``. The reply is the list of ``generated`` values, in order, if that names a column.

    Otherwise it is None, or the number of rows that the table kept, where a trigger or rule kept it from some.

    ``given`` names the column that the database counts where the rows carry values for it, so that the counter must
    be kept ahead of them. ``is_only`` says that no other step writes before or after, here and below.

    ``returning`` is the SQL of what else is asked for of the new rows. The reply is then a list of tuples: the
    ``generated`` value, if any, and after it what was asked for, or nothing where triggers may still change it or the
    database does not return rows. A driver empties ``returning`` before it leaves that out.
    """

    collection: str
    table: sa.Table
    columns: tuple[str, ...]
    rows: Sequence[Row]
    positions: Sequence[int]  # for each row, the index of the change it comes from
    generated: str | None = None
    given: str | None = None
    is_only: bool = False
    returning: tuple[str, ...] = ()

    def demand_all(self, store: str, reply: Value) -> None:
        """Raise Conflict where the reply tells that the table did not keep all of the rows."""
        count = len(self.positions)
        kept = reply if reply.__class__ is int else len(reply) if self.generated is not None else count
        if kept != count:
            raise Conflict(
                store,
                f"its table kept {kept} of {count} new {self.collection} records; "
                "a trigger or rule may have put them elsewhere",
            )


class Update(msgspec.Struct):
    """New values for ``columns`` of the row that ``match`` finds; rows carry the values of both, in this order.

    The reply is the index of the first row that found nothing, or None. Without columns it only looks.
    """

    collection: str
    table: sa.Table
    columns: tuple[str, ...]
    match: tuple[str, ...]
    rows: Sequence[Row]
    positions: Sequence[int]
    is_only: bool = False


class Lock(Update):
    """Locks the rows that ``match`` finds, in the order of their keys, before steps that change them; no reply.

    The step has no columns. ``is_removal`` if some of the rows are to be removed. Only databases that lock rows are
    given it.
    """

    is_removal: bool = False


class Find(Update):
    """Looks for rows that ``match`` finds; the reply is a list of their primary keys. The step has no columns."""


class Look(Update):
    """Reads a record by ``statement``, its values not decoded; the reply is a list of one row or none. No columns."""

    statement: Statement | None = None


class Bulk(Update):
    """Changes all rows that ``statement`` finds; the reply is their number. There are no rows of its own."""

    statement: Statement | None = None


class Release(Update):
    """Gives rows values that no other row has, until later steps give them others or remove them; no reply.

    References among the values lead nowhere, so that foreign keys must wait.
    """


class Delete(msgspec.Struct):
    """Removes what ``match`` finds. If ``is_exact`` the reply is as for Update, otherwise there is none.

    If it ``may_be_tried`` and the database refuses it, as something still refers to a row, the reply is StillReferred,
    and the transaction goes on. If ``is_unchecked``, what refers to the rows is looked for by later steps.
    """

    collection: str
    table: sa.Table
    match: tuple[str, ...]
    rows: Sequence[Row]
    positions: Sequence[int]
    is_exact: bool = True
    is_only: bool = False
    may_be_tried: bool = False
    is_unchecked: bool = False


class StillReferred(msgspec.Struct):
    """Nothing was removed of the row of this index and those after it, as something refers to it."""

    index: int


Step: TypeAlias = Insert | Update | Delete
Steps: TypeAlias = Generator[Step, Any, list[Outcome]]
PartSteps: TypeAlias = Generator[Step, Any, None]
"""Steps of a part of the changes, whose outcomes others tell."""
"""Yields steps, is sent their replies, and returns one outcome per change."""


class Work:
    """Changes and how they are carried out: called, it begins its steps, anew each time, so a driver may try again."""

    __slots__ = ("changes", "plan", "schemas")

    def __init__(
        self, plan: Callable[[Sequence[Change]], Steps], changes: Sequence[Change], schemas: Mapping[str, Schema]
    ) -> None:
        self.plan = plan
        self.changes = changes
        self.schemas = schemas

    def __call__(self) -> Steps:
        """The steps, from the first on."""
        return self.plan(self.changes)

    def demand_unreserved(self, store: str, held: Collection[Held], outcomes: Sequence[Outcome] | None = None) -> None:
        """Raise Reserved where the changes collide with what other commits hold; see ``footprint`` for outcomes."""
        demand_unreserved(store, self.changes, self.schemas, held, outcomes)

    def footprint(self, outcomes: Sequence[Outcome] | None = None) -> Footprint:
        """Return the footprint of the changes; with ``outcomes``, keys that the database made count too."""
        return footprint_of(self.changes, self.schemas, outcomes)


class FenceWork(Work):
    """Nothing to carry out: what is held for it is a fence around a collection."""

    __slots__ = ("_fence",)

    def __init__(self, fence: Fence) -> None:
        super().__init__(lambda _: _no_steps(), (), {})
        self._fence = fence

    def footprint(self, outcomes: Sequence[Outcome] | None = None) -> Footprint:
        """The fence."""
        return Footprint(fence=self._fence)


def _no_steps() -> Steps:
    yield from ()
    return []
