"""What the checker has found, each mended and pinned without it."""

from __future__ import annotations

import pytest

from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.markers import has_marker, marker_of
from holdall.session.journal.row import JournalRow, JournalState, add_row, now, update_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import CommitClass, Hold
from holdall.testing.lasting_memory import lasting_memory

pytestmark = pytest.mark.anyio


async def test_the_markers_of_a_commit_stay_as_long_as_its_row() -> None:
    """A helper has claimed the row and fell silent: without its marker the part would be applied again."""
    home, other = lasting_memory("home"), lasting_memory("other", CommitClass.TX, Hold.NONE)
    home.bind([JOURNAL])
    other.bind([MARKER])
    rows = [JournalRow(name, JournalState.DECIDED, "me", now(), LogRecord([])) for name in ("claimed", "free")]
    finished = FinishedCommits()
    for row in rows:
        await home.apply([add_row(row)])
        await other.apply([marker_of(row.id, "other")])
        finished.add(home, row, [other])
    await home.apply([update_row(rows[0].moved(JournalState.DECIDED, "helper", now(), LogRecord([])))])
    await finished.close()
    assert await has_marker(other, "claimed", "other")
    assert not await has_marker(other, "free", "other")
