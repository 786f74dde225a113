"""Several steps as one statement, which is a transaction by itself: one message instead of BEGIN, each step and COMMIT.

Every step but the last is a data-modifying WITH query. Each runs only where the one before it has written a row, which
keeps their order, and with it that of their locks. The main query divides by zero unless every row was written, so that
the statement applies wholly or not at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from asyncpg import DataError, IntegrityConstraintViolationError

from holdall.query import Value
from holdall.store import Outcome
from holdall.stores.sql.postgres_guards import Guards
from holdall.stores.sql.postgres_pieces import ROWS
from holdall.stores.sql.postgres_steps import columns_of, statement_of
from holdall.stores.sql.steps import Delete, Insert, Step, Update, Work

__all__ = ["REFUSED", "Combined", "combined"]

REFUSED = (DataError, IntegrityConstraintViolationError)
"""Errors of a combined statement after which its steps are tried one by one: nothing was written, and they say why."""

_MOST = 8  # steps in one statement


class Combined(NamedTuple):
    """A work as one statement that writes ``rows`` rows, and the ``outcomes`` of the work where that succeeds."""

    sql: str
    parameters: list[Value]
    rows: int
    steps: list[Step]
    outcomes: list[Outcome]


def combined(work: Work, only: str, guards: Guards) -> Combined | None:
    """The steps of a work as one statement; None where it takes another form.

    ``only`` is the condition without which nothing is written.

    Only steps that learn nothing from one another can be combined: new rows whose keys are known, and changes and
    removals of one row each, of which no other step touches the same table. Triggers and the rules of foreign keys
    act when the statement is done, so none may act between two steps.
    """
    steps: list[Step] = []
    changed, added, is_last = set[str](), set[str](), False
    running = Work.__call__(work)
    try:
        step = next(running)
        while True:
            table = step.table.key
            has_own = table in guards.tables or table in guards.followed
            if has_own or is_last or table in changed or len(steps) == _MOST or not _is_combinable(step):
                running.close()
                return None
            if isinstance(step, Insert):
                added.add(table)
            elif table in added:
                running.close()
                return None
            else:
                changed.add(table)
            steps.append(step)
            is_last = isinstance(step, Delete) and table in guards.cascading
            step = running.send(None)
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
    if len(steps) < 2:
        return None
    parameters: list[Value] = []
    texts: list[str] = []
    condition = only
    for place, step in enumerate(steps):
        sql = statement_of(step, condition, len(parameters) + 1)
        texts.append(f"{sql} RETURNING 1" if isinstance(step, Insert) else sql)
        parameters.extend(step.rows[0] if len(step.rows) == 1 else columns_of(step.rows))
        condition = f"EXISTS (SELECT FROM w{place})"
    rows = sum(len(step.rows) for step in steps)
    parameters.append(rows)
    return Combined(_together(tuple(texts), len(parameters)), parameters, rows, steps, outcomes)


def _is_combinable(step: Step) -> bool:
    if type(step) is Insert:
        is_known = step.generated is None and step.given is None and not step.returning
        return is_known and bool(step.columns) and len(step.rows) <= ROWS
    if type(step) is Update:
        return len(step.rows) == 1
    return type(step) is Delete and len(step.rows) == 1 and step.is_exact and not step.may_be_tried


@lru_cache(maxsize=1000)
def _together(texts: tuple[str, ...], last: int) -> str:
    parts = ", ".join(f"w{place} AS ({text})" for place, text in enumerate(texts))
    written = " + ".join(f"(SELECT count(*) FROM w{place})" for place in range(len(texts)))  # noqa: S608
    return f"WITH {parts} SELECT 1 / (({written}) = ${last}::bigint)::int"
