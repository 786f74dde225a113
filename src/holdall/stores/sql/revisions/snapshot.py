"""The tables, columns and rules that a revision leaves behind, kept in its file.

Only what a revision made is ever dropped by a later one: tables and columns of others stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import sqlalchemy as sa

from holdall.query import FieldSchema
from holdall.stores.sql.differences import fields_of_link, fields_of_table
from holdall.stores.sql.tables import OF_OTHERS, Tables

__all__ = ["Snapshot", "fields_by_table", "is_known", "snapshot_of"]

Snapshot: TypeAlias = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By table: ``columns`` with their kinds, ``rules`` (keys, unique rules, references, indexes) with what each is."""


def snapshot_of(tables: Tables) -> Snapshot:
    """Return what these tables are made of."""
    kinds = fields_by_table(tables)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table in tables.metadata.tables.values():
        if OF_OTHERS not in table.info:
            known = kinds[table.key]
            columns = {
                each.name: str(known[each.name].kind) if each.name in known else "search" for each in table.columns
            }
            rules = {str(each.name): _word(each) for each in table.constraints if each.name is not None}
            rules |= {str(index.name): "index" for index in table.indexes}
            found[table.key] = {"columns": columns, "rules": dict(sorted(rules.items()))}
    return dict(sorted(found.items()))


def fields_by_table(tables: Tables) -> dict[str, dict[str, FieldSchema]]:
    """Return the scalar field that each column keeps, by table and column."""
    found: dict[str, dict[str, FieldSchema]] = {}
    for name in tables.schemas:
        layout = tables.layout(name)
        found[layout.table.key] = fields_of_table(layout)
        for link in layout.links.values():
            found[link.table.key] = fields_of_link(link)
    return found


def is_known(snapshot: Snapshot, table: str, kind: str, name: str) -> bool:
    """Whether a part of a table is one that a revision made; ``kind`` is ``columns`` or ``rules``."""
    return name in snapshot.get(table, {}).get(kind, {})


def _word(constraint: sa.Constraint) -> str:
    if isinstance(constraint, sa.PrimaryKeyConstraint):
        return "key"
    return "reference" if isinstance(constraint, sa.ForeignKeyConstraint) else "unique"
