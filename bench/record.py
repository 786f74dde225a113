"""How a record is measured where the loop must be the same for everyone: reads, writes and weight."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.book import FIELDS

_READ_ALL = "; ".join(f"record.{name}" for name in FIELDS)


def seconds_per_read(record: Any, count: int) -> float:
    """Seconds one attribute read takes, of 25 for each of ``count``; unrolled so that the loop weighs nothing."""
    source = "def read(record, turns):\n    for _ in turns:\n" + f"        {_READ_ALL}\n" * 10
    scope: dict[str, Any] = {}
    exec(compile(source, "<reads>", "exec"), scope)  # a function of its own, for the interpreter to specialise
    turns = range(count // 4)
    scope["read"](record, turns)
    start = time.perf_counter()
    scope["read"](record, turns)
    return (time.perf_counter() - start) / (len(turns) * 10 * len(FIELDS))


def seconds_per_write(records: Sequence[Any], is_again: bool) -> float:
    """Seconds one write takes: four fields of each record to new values, for the first time or once more."""
    if is_again:
        _write(records, "A third title", 66, 2.25, "da")
    start = time.perf_counter()
    _write(records, "Another title", 77, 1.25, "nl")
    return (time.perf_counter() - start) / (4 * len(records))


def _write(records: Sequence[Any], title: str, pages: int, price: float, language: str) -> None:
    for record in records:
        record.title = title
        record.pages = pages
        record.price = price
        record.language = language


def bytes_per_record(make: Callable[[tuple[Any, ...]], object], rows: Iterable[tuple[Any, ...]]) -> float:
    """Bytes one record takes beyond the values it holds, which are there before."""
    sources = list(rows)
    kept: list[object] = [None] * len(sources)
    make(sources[0])
    gc.collect()
    tracemalloc.start()
    for position, source in enumerate(sources):
        kept[position] = make(source)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(sources)
