"""Rows for files of records: 10,000 records into a file and from one, durable, the same bytes for every contestant.

The file of an export is on the disk under its name when it ends; an import commits every 500 lines, and raw `at once`
commits all of them together. Files are CSV or lines of JSON.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.process import DATA
from bench.run import Measure, Row


def rows(arena: Arena) -> list[Row]:
    """Both ways in two forms, on two databases."""
    count = 2_000 if arena.is_quick else 10_000

    def measure(module: str, place: str, job: str, form: str) -> Measure:
        """Each contestant in a database of its own, with a file of its own."""
        worker, path = arena.worker(module), str(DATA / f"{module}.{place}.{form}")

        def act() -> float:
            name = module.replace(".", "_")
            database = arena.sqlite(module) if place == "sqlite" else arena.postgres.database(name)
            return worker.do(f"{place}_{job}", database=database, path=path, form=form, count=count)

        return act

    def row(place: str, job: str, form: str) -> Row:
        raw, ours = measure("raw.transfer", place, job, form), measure("ours.transfer", place, job, form)
        at_once = {"raw at once": measure("raw.transfer", place, "import_at_once", form)} if job == "import" else {}
        return Row(f"transfer/{place} {job} {form}", "rows/s", raw, ours, at_once)

    return [
        row(place, job, form)
        for place in ("sqlite", "postgres")
        for job in ("export", "import")
        for form in ("csv", "ndjson")
    ]
