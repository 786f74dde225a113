"""Several steps as one statement, which is a transaction by itself: one message instead of BEGIN, each step and COMMIT.

Every step is a data-modifying WITH query. Each runs only where the one before it has written its rows, which keeps
their order, and with it that of their locks. The main query divides by zero unless every row was written, so that the
statement applies wholly or not at all; it gives the keys that the last step has made.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import msgspec
from asyncpg import DataError, IntegrityConstraintViolationError

from holdall.query import Value
from holdall.store import Outcome
from holdall.stores.sql.postgres_guards import Guards
from holdall.stores.sql.postgres_pieces import ROWS
from holdall.stores.sql.postgres_steps import columns_of, statement_of
from holdall.stores.sql.steps import Delete, Insert, Step, Steps, Update

__all__ = ["REFUSED", "Combined", "combined"]

REFUSED = (DataError, IntegrityConstraintViolationError)
"""Errors of a combined statement after which its steps are tried one by one: nothing was written, and they say why."""

_MOST = 8  # steps in one statement
_KEPT = 1000  # texts

_texts: dict[tuple[Hashable, ...], str] = {}  # by what the statement depends on


class _ToCome(int):
    """Stands for a key that the statement will make: its place among these."""


class Combined(NamedTuple):
    """A work as one statement that writes ``rows`` rows, and the ``outcomes`` of the work where that succeeds."""

    sql: str
    parameters: list[Value]
    rows: int
    steps: list[Step]
    outcomes: list[Outcome]

    def outcomes_with(self, made: Sequence[Value]) -> list[Outcome]:
        """The outcomes, with the keys that the statement has made."""
        return [_with_key(each, made) for each in self.outcomes] if made else self.outcomes


def combined(first: Step, running: Steps, only: str, guards: Guards) -> Combined | None:
    """The steps of a work as one statement; None where it takes another form.

    The ``first`` step is that with which the steps of the work have begun. ``only`` is the condition without which
    nothing is written.

    Only steps that learn nothing from one another can be combined: changes, and removals of one row each, of which no
    other step touches the same table, and new rows whose keys are known, or which come last. Triggers and the rules of
    foreign keys act when the statement is done, so none may act between two steps.
    """
    steps: list[Step] = []
    changed: set[str] = set()
    added: set[str] = set()
    is_last = False
    step = first
    try:
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
            is_making = isinstance(step, Insert) and step.generated is not None
            is_last = is_making or (isinstance(step, Delete) and table in guards.cascading)
            step = running.send([_ToCome(place) for place in range(len(step.rows))] if is_making else None)
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
    if len(steps) < 2 and len(steps[0].rows) == 1:
        return None
    parameters: list[Value] = []
    for step in steps:
        parameters.extend(step.rows[0] if len(step.rows) == 1 else columns_of(step.rows))
    rows = sum([len(step.rows) for step in steps])
    parameters.append(rows)
    return Combined(_text_of(steps, only), parameters, rows, steps, outcomes)


def _text_of(steps: Sequence[Step], only: str) -> str:
    """The text, made once for all works whose steps have the same shape."""
    shape = (only, *map(_shape_of, steps))
    text = _texts.get(shape)
    if text is None:
        if len(_texts) >= _KEPT:
            _texts.clear()
        text = _texts[shape] = _made(steps, only)
    return text


def _shape_of(step: Step) -> tuple[Hashable, ...]:
    """Everything of a step that its statement depends on."""
    is_one = len(step.rows) == 1
    if isinstance(step, Insert):
        return Insert, step.table, step.columns, step.generated, is_one
    if isinstance(step, Update):
        return Update, step.table, step.columns, step.match, is_one
    return Delete, step.table, step.match, is_one


def _made(steps: Sequence[Step], only: str) -> str:
    texts: list[str] = []
    condition, first = only, 1
    for place, step in enumerate(steps):
        sql = statement_of(step, condition, first)
        texts.append(f"{sql} RETURNING 1" if isinstance(step, Insert) and step.generated is None else sql)
        first += len(step.rows[0])
        # where there are several rows, one is there before the others are locked, and only a count waits for all
        is_one = len(step.rows) == 1
        condition = f"EXISTS (SELECT FROM w{place})" if is_one else f"(SELECT count(*) FROM w{place}) > 0"  # noqa: S608
    return _together(texts, first, is_making=isinstance(steps[-1], Insert) and steps[-1].generated is not None)


def _together(texts: Sequence[str], last: int, *, is_making: bool) -> str:
    parts = ", ".join(f"w{place} AS ({text})" for place, text in enumerate(texts))
    written = " + ".join(f"(SELECT count(*) FROM w{place})" for place in range(len(texts)))  # noqa: S608
    made = f", ARRAY(TABLE w{len(texts) - 1})" if is_making else ""
    return f"WITH {parts} SELECT 1 / (({written}) = ${last}::bigint)::int{made}"


def _is_combinable(step: Step) -> bool:
    if type(step) is Insert:
        is_told = step.given is None and not step.returning
        return is_told and bool(step.columns) and len(step.rows) <= ROWS
    if type(step) is Update:
        return len(step.rows) <= ROWS
    return type(step) is Delete and len(step.rows) == 1 and step.is_exact and not step.may_be_tried


def _with_key(outcome: Outcome, made: Sequence[Value]) -> Outcome:
    key = outcome.key
    if type(key) is _ToCome:
        return msgspec.structs.replace(outcome, key=made[key])
    if isinstance(key, tuple):
        return msgspec.structs.replace(
            outcome, key=tuple([made[part] if type(part) is _ToCome else part for part in key])
        )
    return outcome
