"""Works on the writer's connection: their steps one after another, and what it means when one is refused."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from holdall.errors import Conflict, HoldallError
from holdall.store import Outcome, demand_unreserved
from holdall.stores.sql.errors import Meaning, columns_named, error_of, violation_of
from holdall.stores.sql.sqlite_references import broken_reference, has_broken_references
from holdall.stores.sql.sqlite_refusal import refusal_of
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from holdall.stores.sql.sqlite_steps import RowIgnored, StepRefused, run_step
from holdall.stores.sql.steps import Step, Work
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteWorks"]

_TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID)


class SqliteWorks:
    """Carries out the works of one store. Everything here runs in the writer's thread and raises our errors."""

    def __init__(self, store: str, path: str | None, tables: Tables, reservations: SqliteReservations) -> None:
        self._store = store
        self._path = path
        self._tables = tables
        self._reservations = reservations

    def whole(self, connection: apsw.Connection, work: Work) -> list[Outcome]:
        """Carry out a work that is to be committed as it is: its references must hold."""
        done: list[Step] = []
        outcomes = self._unreserved(connection, work, done)
        self.demand_references(connection, done)
        return outcomes

    def part(self, connection: apsw.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        """Carry out a work inside a longer transaction, its steps put into ``done``; if it fails, nothing stays."""
        connection.execute("SAVEPOINT part")
        steps: list[Step] = []
        try:
            outcomes = self._unreserved(connection, work, steps)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO part")
                connection.execute("RELEASE part")
            raise
        connection.execute("RELEASE part")
        done.extend(steps)
        return outcomes

    def commit(self, connection: apsw.Connection, done: list[Step]) -> None:
        """Commit a longer transaction."""
        self.demand_references(connection, done)
        connection.execute("COMMIT")

    def demand_references(self, connection: apsw.Connection, done: Sequence[Step]) -> None:
        """Raise ReferenceViolation if the transaction leaves a reference without its target."""
        is_broken = has_broken_references(connection)
        if is_broken is False:
            return
        found = broken_reference(connection, self._tables, done)
        if found is None:
            if is_broken is None:
                return
            raise error_of(Meaning.REFERENCE, self._store, "FOREIGN KEY", done[-1].collection if done else None)
        raise violation_of(self._store, *found)

    def _unreserved(self, connection: apsw.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        """The outcomes of all steps. Raises Reserved if another commit holds anything they touch."""
        held = self._reservations.held(connection)
        if not held:
            return self._steps(connection, work, done)
        demand_unreserved(self._store, work.changes, work.schemas, held)
        outcomes = self._steps(connection, work, done)
        # once more, as by now it is known which keys SQLite has made
        demand_unreserved(self._store, work.changes, work.schemas, held, outcomes)
        return outcomes

    def _steps(self, connection: apsw.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        steps = work()
        try:
            step = next(steps)
            while True:
                reply = run_step(connection, step)
                done.append(step)
                step = steps.send(reply)
        except StopIteration as end:
            outcomes: list[Outcome] = end.value
            return outcomes
        except StepRefused as refused:
            cause = refused.__cause__
            raise self._refusal(connection, cause, refused.step, refused.index) from cause

    def _refusal(
        self, connection: apsw.Connection, error: BaseException | None, step: Step, index: int
    ) -> HoldallError:
        store, position = self._store, step.positions[index] if 0 <= index < len(step.rows) else None
        if isinstance(error, RowIgnored):
            told = (
                f"table {step.table.name} did not keep a record it was given; a trigger or rule of its own ignores it"
            )
            return Conflict(store, told, position)
        if isinstance(error, apsw.ConstraintError):
            code: int = error.extendedresult  # type: ignore[attr-defined]
            if code in _TAKEN:
                rule = self._tables.rule_of_columns(*columns_named(str(error)))
                if rule is not None:
                    return violation_of(store, rule, position)
                return error_of(Meaning.UNIQUE, store, "UNIQUE", step.collection, position)
            if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
                found = broken_reference(connection, self._tables, [step])
                if found is not None:
                    return violation_of(store, *found)
                return error_of(Meaning.REFERENCE, store, "FOREIGN KEY", step.collection, position)
            if code == apsw.SQLITE_CONSTRAINT_DATATYPE:
                return error_of(Meaning.VALUE, store, "DATATYPE", step.collection, position)
        return refusal_of(store, self._path, error, step.collection, position)
