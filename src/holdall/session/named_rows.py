"""Rows of statements: tuples whose columns have names, or values of a type of the caller's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache, partial
from keyword import iskeyword
from operator import itemgetter
from typing import ClassVar, TypeVar, cast, overload

import msgspec

from holdall.errors import QueryError
from holdall.query import Value, did_you_mean
from holdall.store import Answer, Row

__all__ = ["NamedRow", "SqlRows", "made_of"]

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$\[(\d+)\](?:\.([^`.\[]+))?")


class NamedRow(tuple[Value, ...]):
    """A row of a statement: a tuple, whose values are also reached by the names of their columns.

    Example: :class:`SqlQuery`.
    """

    __slots__ = ()
    columns: ClassVar[tuple[str, ...]] = ()

    def __getattr__(self, name: str) -> Value:
        raise AttributeError(f"this row has no column {name!r}{did_you_mean(name, self.columns)}")

    def to_dict(self) -> dict[str, Value]:
        """Return the values by the names of their columns."""
        return dict(zip(self.columns, self, strict=True))


class SqlRows(Sequence[T]):
    """The rows of a statement; each gets its names when it is looked at. Equal to a list of the same rows.

    ``affected`` is how many rows the statement wrote, None where the database does not tell.

    Example: :class:`SqlQuery`.
    """

    __slots__ = ("_made", "_rows", "affected")

    def __init__(
        self, rows: Sequence[Value], made: Callable[[Row], T] | None = None, affected: int | None = None
    ) -> None:
        self._rows = rows
        self._made = made
        self.affected = affected

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows) if self._made is None else map(self._made, self._rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> SqlRows[T]: ...
    def __getitem__(self, index: int | slice) -> T | SqlRows[T]:
        if isinstance(index, slice):
            return SqlRows(self._rows[index], self._made, self.affected)
        row: T = self._rows[index] if self._made is None else self._made(self._rows[index])
        return row

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, SqlRows) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


def made_of(answer: Answer, into: type[T] | None) -> SqlRows[T]:
    """The rows of an answer, as values of this type or as named rows. Raises QueryError for rows that do not fit."""
    if into is None:
        return SqlRows(answer.rows, _maker(answer.columns), answer.affected)
    _demand_fields(into, answer.columns)
    named = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    try:
        return SqlRows(msgspec.convert(named, list[into], strict=False), affected=answer.affected)  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise QueryError(_misfit(into, str(error))) from None  # the cause may hold values
    except TypeError as error:
        raise QueryError(f"rows cannot be made into {into.__name__}: take a Struct or a dataclass") from error


@lru_cache(maxsize=1000)
def _maker(columns: tuple[str, ...]) -> Callable[[Row], Value]:
    """A function that gives the values of a row the names of these columns."""
    return partial(tuple.__new__, _row_class(columns))


def _row_class(columns: tuple[str, ...]) -> type[NamedRow]:
    taken = set(dir(NamedRow))
    named = {
        name: property(itemgetter(place))
        for place, name in enumerate(columns)
        if name.isidentifier() and not iskeyword(name) and name not in taken
    }
    return type("NamedRow", (NamedRow,), {"__slots__": (), "columns": columns, **named})


@lru_cache(maxsize=1000)
def _fields_of(into: Value) -> tuple[frozenset[str], frozenset[str]] | None:
    """The names that a type takes, and those that it must be given; None where it does not say."""
    if issubclass(into, msgspec.Struct):
        fields = msgspec.structs.fields(into)
        return frozenset(field.encode_name for field in fields), frozenset(f.encode_name for f in fields if f.required)
    if dataclasses.is_dataclass(into):
        told = dataclasses.fields(into)
        missing = dataclasses.MISSING
        needed = [field.name for field in told if field.default is missing and field.default_factory is missing]
        return frozenset(field.name for field in told), frozenset(needed)
    return None


def _demand_fields(into: type[object], columns: tuple[str, ...]) -> None:
    fields = _fields_of(cast(Hashable, into))
    if fields is None or not columns:
        return
    known, needed = fields
    for column in columns:
        if column not in known:
            near = did_you_mean(column, sorted(known))
            raise QueryError(f"{into.__name__} has no field for the column {column!r}{near}; name columns with AS")
    for name in sorted(needed - set(columns)):
        raise QueryError(f"{into.__name__} needs a column {name!r}, which the statement does not give")


def _misfit(into: type[object], told: str) -> str:
    """Which column of which row does not fit, without its value."""
    place = _PLACE.search(told)
    reason = told.partition(" - at ")[0] if told.startswith("Expected") else "its value does not fit"
    if place is None:
        return f"the rows do not fit {into.__name__}: {reason}"
    column = f"column {place[2]!r} of " if place[2] else ""
    return f"{column}row {place[1]} does not fit {into.__name__}: {reason}"
