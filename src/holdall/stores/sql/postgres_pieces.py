"""Steps of any size in pieces that PostgreSQL takes in one statement each."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import msgspec

from holdall.store import Row
from holdall.stores.sql.steps import Find, Step, Update

__all__ = ["ROWS", "split"]

ROWS = 20_000  # in one statement, so that its arrays stay of a size


def split(step: Step) -> Iterator[Step]:
    """The same step in pieces of at most ROWS rows, in none of which an Update meets a record twice."""
    rows, start = step.rows, 0
    is_once = isinstance(step, Update) and not isinstance(step, Find)  # each row in one statement
    if len(rows) <= ROWS and not (is_once and _has_twice(step)):
        yield step
        return
    place = len(step.columns) if isinstance(step, Update) else 0
    size = len(step.table.primary_key.columns)
    while start < len(rows):
        end = min(start + ROWS, len(rows))
        if is_once:
            seen: set[Row] = set()
            for index in range(start, end):
                key = rows[index][place : place + size]
                if key in seen:
                    end = index
                    break
                seen.add(key)
        yield msgspec.structs.replace(step, rows=rows[start:end], positions=step.positions[start:end])
        start = end


def _has_twice(step: Step) -> bool:
    place, size = len(step.columns) if isinstance(step, Update) else 0, len(step.table.primary_key.columns)
    key = itemgetter(*range(place, place + size))
    return len(set(map(key, step.rows))) != len(step.rows)
