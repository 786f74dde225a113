"""Changes of several records in columns: the stored form, and events that do not tell it from bodies of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import ANONYMOUS, Event, Holdall
from holdall.events import listeners
from holdall.events.body import EVENT_FORMAT, Body, decode_body, encode_tail
from holdall.events.bundle import Bundled, decode_bundle, is_bundle, rows_of_columns
from holdall.events.changed_columns import ChangedColumns, holds_columns
from holdall.events.happened import CommitFacts
from holdall.events.outbox_row import OutboxRow, rows_of
from holdall.events.rows import RowBinding
from holdall.model import EventKind
from holdall.session.journal.packing import UnreadableBody
from tests.support.event_library import Author, Book, Pin, encoded

pytestmark = pytest.mark.anyio

_GOLDEN = Path(__file__).parent / "golden" / f"event_{EVENT_FORMAT}.hex"
_AT = dt.datetime(2026, 11, 29, 8, 0, tzinfo=dt.UTC)
_TAIL = encode_tail("ann", "request-1", "0198", _AT)
_FACTS = CommitFacts("0198", _AT, ANONYMOUS, "request-1", _TAIL)
_COLUMNS = ChangedColumns(
    ("title", "seen"), [7, (1, "a")], [["é\n", None], [None, 2.5]], [["", b"\xff"], [_AT, -(2**63) + 1]]
)


def _bodies(columns: ChangedColumns, number: int = 0) -> list[Bundled]:
    """The same events with bodies of their own."""
    found = []
    for place, key in enumerate(columns.keys):
        old, new = (
            dict(zip(columns.fields, [each[place] for each in side], strict=True))
            for side in (columns.old, columns.new)
        )
        body = Body(EventKind.CHANGED, key, columns.fields, old, new, "ann", "request-1", "0198", _AT)
        found.append(Bundled(number + place, encoded(body)))
    return found


def test_the_form_is_as_it_was_written() -> None:
    stored = bytes.fromhex(_GOLDEN.read_text())
    assert list(rows_of_columns(_COLUMNS, 5, _FACTS)) == [("0198", stored)]
    assert decode_bundle(stored) == _bodies(_COLUMNS, 5)
    assert is_bundle(stored)
    assert [decode_body(each.body).key for each in decode_bundle(stored)] == _COLUMNS.keys


@given(st.integers(0, 10_000))
def test_columns_that_were_cut_are_refused(place: int) -> None:
    whole = bytes.fromhex(_GOLDEN.read_text())
    with pytest.raises(UnreadableBody, match="damaged"):
        decode_bundle(whole[: place % (len(whole) - 2) + 2])


@pytest.mark.parametrize("side", ["keys", "old", "new"])
def test_columns_of_unlike_length_are_refused(side: str) -> None:
    columns = ChangedColumns(("title",), [7, 8], [["a", "b"]], [["c", "d"]])
    getattr(columns, side).pop()
    stored = columns.encoded(0, _TAIL, 0, 2)
    row = OutboxRow(1, "c", "tell", "book", False, 0, None, "", stored, ())
    (waiting,) = row.waiting()
    with pytest.raises(UnreadableBody, match="its bundle is damaged") as told:
        waiting.body()
    assert told.value.is_damage


def _events(columns: ChangedColumns, number: int) -> tuple[list[int], list[Bundled]]:
    """How many events each row has, and all of them; a row of one event has a body, and is named by its number."""
    sizes, events = [], list[Bundled]()
    for event, stored in rows_of_columns(columns, number, _FACTS):
        found = decode_bundle(stored) if event == "0198" else [Bundled(int(event.removeprefix("0198-")), stored)]
        assert is_bundle(stored) is (event == "0198")
        sizes.append(len(found))
        events.extend(found)
    return sizes, events


def test_changes_beyond_a_hundred_go_into_further_rows() -> None:
    columns = ChangedColumns(("notes",), list(range(250)), [[1] * 250], [[2] * 250])
    assert _events(columns, 3) == ([100, 100, 50], _bodies(columns, 3))
    columns = ChangedColumns(("notes",), list(range(101)), [[1] * 101], [[2] * 101])
    assert _events(columns, 3) == ([100, 1], _bodies(columns, 3))


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=12))
def test_large_changes_are_halved(sizes: list[int]) -> None:
    count = len(sizes)
    columns = ChangedColumns(("title",), list(range(count)), [[""] * count], [["x" * size for size in sizes]])
    rows = list(rows_of_columns(columns, 4, _FACTS))
    assert _events(columns, 4)[1] == _bodies(columns, 4)
    assert all(len(stored) <= 65_536 for event, stored in rows if event == "0198")
    assert len(rows) == 1 or sum(sizes) > 60_000


_CHANGES: dict[str, tuple[Callable[[int], dict[str, Any]], bool]] = {
    "one field": (lambda number: {"status": f"out {number}"}, True),
    "two fields": (lambda number: {"status": "out", "notes": number + 1}, True),
    "a field that only some change": (lambda number: {"status": "out", "notes": number}, False),
    "a reference": (lambda number: {"author": None}, False),
    "a secret": (lambda number: {"status": "out", "pin": Pin(str(number))}, False),
}


@pytest.mark.parametrize("change", _CHANGES)
async def test_events_in_columns_are_those_that_have_bodies(
    app: Holdall, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    @app.after(Book.changed, name="tell")
    async def tell(event: Event) -> None:
        """Take an event; nothing is delivered here."""

    values_of, are_columns = _CHANGES[change]
    await app.create()
    outbox = app.bindings.of_name("holdall_outbox_main")
    assert isinstance(outbox, RowBinding)
    async with app.session() as session:
        writer = session.add(Author())
    found = []
    for is_plain in (True, False):
        if not is_plain:
            monkeypatch.setattr(listeners, "changed_columns", lambda _: None)
        async with app.session() as session:
            author = await session.require(Author, writer.id)
            books = [session.add(Book(author=author)) for _ in range(3)]
            await session.commit()
            for place, book in enumerate(books):
                for name, value in values_of(place).items():
                    setattr(book, name, value)
            first = books[0].id
        (row,) = await rows_of(outbox)
        assert holds_columns(row.stored) is (is_plain and are_columns)
        facts = []
        for waiting in row.waiting():
            event = waiting.event_for(app.bindings)
            number = event.id.rpartition("-")[2]
            facts.append((number, event.kind, event.key - first, event.fields, event.old, event.new, event.user_id))
            assert event.id == f"{event.commit}-{number}"
        found.append(facts)
        async with app.session() as session:
            await session.delete(outbox.model.where(), max_affected=None)
    assert found[0] == found[1]
    assert len(found[0]) == 3


async def test_what_is_left_of_columns_is_a_bundle_of_bodies(app: Holdall) -> None:
    told, closed = list[tuple[Any, int]](), [2]

    @app.after(Book.changed("notes"), name="tell", attempts=3)
    async def tell(event: Event) -> None:
        told.append((event.new["notes"], event.attempt))
        if event.new["notes"] in closed:
            raise ValueError("no")

    @app.after(Book.changed("title"), name="of-titles")
    async def of_titles(event: Event) -> None:
        raise AssertionError("no title has changed")

    await app.create()
    outbox = app.bindings.of_name("holdall_outbox_main")
    assert isinstance(outbox, RowBinding)
    async with app.session() as session:
        books = [session.add(Book()) for _ in range(4)]
        await session.commit()
        for number, book in enumerate(books):
            book.notes = number + 1
    (row,) = await rows_of(outbox)
    assert holds_columns(row.stored)
    assert (await app.outbox.deliver()).delivered == 3
    (row,) = await rows_of(outbox)
    (left,) = decode_bundle(row.stored)
    assert not holds_columns(row.stored)
    assert (left.number, left.attempts, left.error) == (1, 1, "ValueError: no")
    closed.clear()
    (entry,) = [entry async for entry in app.outbox.entries()]
    await app.outbox.retry(entry.id)
    assert (await app.outbox.deliver()).delivered == 1
    assert sorted(told) == [(1, 1), (2, 1), (2, 1), (3, 1), (4, 1)]
    assert await rows_of(outbox) == []
