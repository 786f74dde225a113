"""Records as the DAO that writes them is shown them, where a circle of new ones takes two calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from holdall.model import Field, Record, State, track_of
from holdall.query import Value
from holdall.session.record_states import RecordStates

__all__ = ["modified", "without"]


@contextmanager
def modified(states: RecordStates, record: Record, fields: Sequence[str]) -> Iterator[None]:
    """Within the block a new record, added without these fields just now, says that they are modified."""
    before = track_of(record)
    assert before is not None
    shown = states.move(record, State.NEW, dict.fromkeys(fields))
    try:
        yield
    finally:
        if track_of(record) is shown:
            states.put_back(record, before)


@contextmanager
def without(record: Record, fields: Sequence[Field]) -> Iterator[None]:
    """Within the block these references of a record are empty; what is written to them meanwhile stays."""
    slots: list[tuple[Field, Value]] = [(field, field.get(record)) for field in fields]
    for field, _ in slots:
        field.put(record, _nothing(field))
    try:
        yield
    finally:
        for field, slot in slots:
            if field.get(record) == _nothing(field):
                field.put(record, slot)


def _nothing(field: Field) -> Value:
    return () if field.form is not None else None
