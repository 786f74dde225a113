"""Runs are the sequence of changes they stand for, to every store alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import StaleVersion, UniqueViolation
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Run, Runs, Store, Verb, open_store

pytestmark = pytest.mark.anyio

NOTE = Schema(
    "note",
    (FieldSchema("id", Kind.INT), FieldSchema("text", Kind.STR), FieldSchema("version", Kind.INT)),
    ("id",),
    version="version",
    unique=(("text",),),
)
ALL = ("id", "text", "version")
RUNS = [
    Run(Verb.ADD, "note", ALL, [1, 2, 3], [(1, "a", 1), (2, "b", 1), (3, "c", 1)]),
    Run(Verb.UPDATE, "note", ("text", "version"), [1, 3], versions=[1, 1], columns=[["x", "y"], [2, 2]]),
    Run(Verb.UPDATE, "note", ("text",), [2], columns=[["z"]]),
    Run(Verb.REMOVE, "note", (), [3], [()], [2]),
]


def test_runs_are_a_sequence_of_changes() -> None:
    runs = Runs(RUNS, is_linked=False)
    assert len(runs) == len(list(runs)) == 7
    assert runs[3] == Change(Verb.UPDATE, "note", 1, ("text", "version"), ("x", 2), 1)
    assert runs[5:] == [Change(Verb.UPDATE, "note", 2, ("text",), ("z",)), Change(Verb.REMOVE, "note", 3, version=2)]


def test_rows_are_the_same_from_columns() -> None:
    by_rows = Run(Verb.UPDATE, "note", ("text", "version"), [1, 3], [("x", 2), ("y", 3)], [1, 2])
    by_columns = Run(Verb.UPDATE, "note", ("text", "version"), [1, 3], versions=[1, 2], columns=[["x", "y"], [2, 3]])
    assert by_rows.rows == by_columns.rows
    assert Run(Verb.UPDATE, "note", (), [1, 3], columns=[]).rows == [(), ()]


@pytest.mark.parametrize("url", ["memory:", "sqlite://", "yaml:{folder}", "sqlite:///{folder}/notes.db"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
async def test_a_store_applies_runs_as_it_applies_their_changes(url: str, count: int, tmp_path: Path) -> None:
    async def content(changes: Sequence[Change], folder: Path) -> list[Any]:
        store: Any = open_store("main", url.format(folder=folder))
        store.bind([NOTE])
        await store.create()
        await store.apply(changes)
        found: list[Any] = await store.fetch(Query("note").limit(10))
        await refusals(store)
        await store.close()
        return found

    async def refusals(store: Store) -> None:
        stale = Run(Verb.UPDATE, "note", ("text", "version"), [2, 1], [("p", 2), ("q", 9)], [1, 8])
        with pytest.raises(StaleVersion) as missed:
            await store.apply(Runs([stale], is_linked=False))
        assert (missed.value.position, missed.value.key) == (1, 1)
        twin = Run(Verb.ADD, "note", ALL, [8, 9], [(8, "new", 1), (9, "new", 1)])
        with pytest.raises(UniqueViolation):
            await store.apply(Runs([twin], is_linked=False))
        assert await store.fetch(Query("note").where().limit(10)) != []

    for name in ("runs", "changes"):
        (tmp_path / name).mkdir()

    runs = Runs(RUNS[:count], is_linked=False)
    assert await content(runs, tmp_path / "runs") == await content(list(runs), tmp_path / "changes")
