"""The meaning of SQLite's refusal of a step: which rule of ours was broken, and by which change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import apsw

from holdall.errors import Conflict, HoldallError
from holdall.query import Value
from holdall.stores.sql.errors import Meaning, columns_named, error_of, violation_of
from holdall.stores.sql.sqlite_references import broken_reference
from holdall.stores.sql.sqlite_refusal import refusal_of
from holdall.stores.sql.sqlite_steps import RowIgnored
from holdall.stores.sql.steps import Step
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.unsent import unsent

__all__ = ["Asked", "step_refusal"]

_TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID)


class Asked(Protocol):
    """A connection, as far as it is asked for rows: one of apsw, or of any driver with its face."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Any:
        """Return what has the rows of a statement."""
        ...


def step_refusal(
    store: str,
    path: str | None,
    tables: Tables,
    connection: Asked,
    error: BaseException | None,
    step: Step,
    position: int | None,
) -> HoldallError:
    """Our error for one of apsw's, met at the change of this position in a step."""
    if isinstance(error, RowIgnored):
        told = f"table {step.table.name} did not keep a record it was given; a trigger or rule of its own ignores it"
        return Conflict(store, told, position)
    if isinstance(error, apsw.ConstraintError):
        code: int = error.extendedresult  # type: ignore[attr-defined]
        if code in _TAKEN:
            rule = tables.rule_of_columns(*columns_named(str(error), tables.metadata.tables))
            if rule is not None:
                return violation_of(store, rule, position)
            return error_of(Meaning.UNIQUE, store, "UNIQUE", step.collection, position)
        if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            found = broken_reference(connection, tables, [step])
            if found is not None:
                return violation_of(store, *found)
            return error_of(Meaning.REFERENCE, store, "FOREIGN KEY", step.collection, position)
        if code == apsw.SQLITE_CONSTRAINT_CHECK:
            named = str(error).partition("CHECK constraint failed: ")[2]
            return tables.check(store, step.collection, step.table, named, position)
        if code == apsw.SQLITE_CONSTRAINT_NOTNULL:
            table, columns = columns_named(str(error), tables.metadata.tables)
            mismatch = unsent(store, step, columns[0]) if table == step.table.key else None
            if mismatch is not None:
                return mismatch
        if code == apsw.SQLITE_CONSTRAINT_DATATYPE:
            return error_of(Meaning.VALUE, store, "DATATYPE", step.collection, position)
    return refusal_of(store, path, error, step.collection, position)
