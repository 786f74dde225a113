"""PostgreSQL's refusals: which rule of ours was broken, and by which change.

The server names the constraint, and in its detail the values that broke it. The values tell which row they come from
and go no further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from holdall.errors import HoldallError
from holdall.query import Value
from holdall.stores.sql.absent import absent
from holdall.stores.sql.errors import Meaning, error_of, postgresql_meaning, violation_of
from holdall.stores.sql.steps import Delete, Step
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.unsent import unsent

__all__ = ["refusal"]

_COLUMN = re.compile(r'column "([^"]+)"')
_DETAIL = re.compile(r"\((?P<columns>.*?)\)=\((?P<values>.*)\) ", re.DOTALL)


def refusal(store: str, tables: Tables, error: Any, steps: list[Step]) -> HoldallError:
    """Our error for asyncpg's, met while the last of these steps was carried out, or when all were committed."""
    state = str(error.sqlstate)
    if (missing := absent(store, state, str(error))) is not None:
        return missing
    meaning = postgresql_meaning(state) or Meaning.DEFECT
    if not steps:
        return error_of(meaning, store, state)
    position = _position(error, steps)
    rule = tables.rule(error.constraint_name or "", f"{error.schema_name}.{error.table_name}")
    if rule is not None and meaning in (Meaning.UNIQUE, Meaning.REFERENCE):
        return violation_of(store, rule, position)
    if state == "23514" and error.constraint_name:
        return tables.check(store, steps[-1].collection, steps[-1].table, error.constraint_name, position)
    if state == "23502" and error.table_name == steps[-1].table.name:
        mismatch = unsent(store, steps[-1], error.column_name)
        if mismatch is not None:
            return mismatch
    return error_of(meaning, store, state, steps[-1].collection, position, _named(error))


def _named(error: Any) -> str | None:
    """The constraint, the column or the type that the error speaks of."""
    if named := error.constraint_name or error.column_name or error.data_type_name:
        return str(named)
    column = _COLUMN.search(str(error)) if str(error.sqlstate) == "428C9" else None
    return column[1] if column is not None else None


def _position(error: Any, steps: list[Step]) -> int | None:
    last = steps[-1]
    if len(last.rows) == 1 and len(steps) == 1:
        return last.positions[0]
    found = _DETAIL.search(error.detail or "")
    if found is None:
        return _missing_value(error.column_name, last)
    columns = [name.strip().strip('"') for name in found["columns"].split(",")]
    is_removal = "is still referenced" in error.detail
    for step in steps:
        if isinstance(step, Delete) is is_removal and (is_removal or step.table.name == error.table_name):
            for index, values in _values(step, columns):
                if ", ".join(map(_text, values)) == found["values"]:
                    return step.positions[index]
    return last.positions[0] if len(last.rows) == 1 else None


def _missing_value(column: str | None, step: Step) -> int | None:
    if column is None or isinstance(step, Delete) or column not in step.columns:
        return step.positions[0] if len(step.rows) == 1 else None
    place = step.columns.index(column)
    return next((step.positions[index] for index, row in enumerate(step.rows) if row[place] is None), None)


def _values(step: Step, columns: list[str]) -> Iterable[tuple[int, list[Value]]]:
    named = (*getattr(step, "columns", ()), *getattr(step, "match", ()))
    if not set(columns) <= set(named):
        return
    places = [named.index(column) for column in columns]
    for index, row in enumerate(step.rows):
        yield index, [row[place] for place in places]


def _text(value: object) -> str:
    """As the server writes it, for the kinds that keys and unique fields mostly are."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str | int | UUID | date):
        return str(value)
    return "\0"
