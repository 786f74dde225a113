"""Differences between the rules of found tables and those of models: keys, unique rules and references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.layout import LINK

__all__ = ["Told", "constraints", "lost_references"]


class Told(NamedTuple):
    """A difference of a table: its name, the sentence, and the column that it is about, if it is about one."""

    code: str
    sentence: str
    column: str = ""


def constraints(table: sa.Table, there: FoundTable, found: Mapping[str, FoundTable]) -> Iterator[Told]:
    """The rules of a table that are not those of its model."""
    key = {column.name for column in table.primary_key.columns}
    is_kept = set(there.key) == key or (LINK in table.info and frozenset(key) in there.unique)
    if key <= set(there.columns) and not is_kept:
        yield Told("key", f"the key of table {table.key} is not the column {_listed(sorted(key))}")
    for constraint in table.constraints:
        if not isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint):
            continue
        names = [column.name for column in constraint.columns]
        if not set(names) <= set(there.columns):
            continue  # the missing column is told of already
        if isinstance(constraint, sa.UniqueConstraint):
            if frozenset(names) not in there.unique:
                yield Told("unique", f"{table.key} does not keep {_listed(names)} unique")
            continue
        target = constraint.referred_table
        place = found[target.key].place if target.key in found else target.key
        meant = there.references.get((tuple(names), place))
        if meant is None:
            yield Told("foreign-key", f"{table.key} has no foreign key from {_listed(names)} to {target.key}")
        elif meant and meant != tuple(element.column.name for element in constraint.elements):
            there_named = _listed(list(meant))
            yield Told(
                "foreign-key",
                f"{table.key}: the foreign key from {_listed(names)} leads to {there_named} of {target.key}",
            )


def lost_references(table: sa.Table, there: FoundTable, found: Mapping[str, FoundTable]) -> Iterator[Told]:
    """Foreign keys to what is not there, for which SQLite refuses every row with a value."""
    tables = {each.place.casefold(): each for each in found.values()}
    schema = there.place.removesuffix(there.name)
    to_come = {schema + name for name in table.metadata.tables}
    for (columns, target), meant in there.references.items():
        other = tables.get(target.casefold())
        if other is None and target.startswith(schema) and target not in to_come:
            yield Told(
                "foreign-key",
                f"{table.key} has a foreign key from {_listed(list(columns))} to {target}, a table that is not there",
            )
        elif other is not None:
            lost = {name.casefold() for name in meant} - {name.casefold() for name in other.columns}
            if lost:
                named, there_named = _listed(list(columns)), _listed(sorted(lost))
                yield Told(
                    "foreign-key",
                    f"{table.key}: the foreign key from {named} leads to {there_named}, which {target} has not",
                )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
