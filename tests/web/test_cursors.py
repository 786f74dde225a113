"""Cursors that clients keep while a service changes its version: read for ever, or refused with words."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.query import SortKey
from holdall.web import cursor
from holdall.web.conditional import tag_of_body
from holdall.web.cursor import Cursors
from tests.support.golden_world import ROWS, SAMPLE

_GOLDEN = (Path(__file__).parent / "golden" / "cursor_1.txt").read_text().strip()
_SORT = (SortKey(("name",)), SortKey(("moment",), True), SortKey(("id",)))
_FIELDS = tuple([SAMPLE.by_name[name] for name in ("name", "moment", "id")])
_POSITION = (ROWS[1][SAMPLE.positions["name"]], ROWS[1][SAMPLE.positions["moment"]], 2)


def test_a_cursor_of_an_earlier_holdall_is_opened() -> None:
    """Never write the file anew: a change of the format gets a new purpose and a file of its own."""
    cursors = Cursors(b"secret")
    assert cursors.make("sample", _SORT, _POSITION) == _GOLDEN
    assert cursors.open(_GOLDEN, "sample", _SORT, _FIELDS) == _POSITION


def test_a_cursor_of_another_format_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "_PURPOSE", b"holdall cursor 2")
    later = Cursors(b"secret").make("sample", _SORT, _POSITION)
    monkeypatch.undo()
    assert Cursors(b"secret").open(later, "sample", _SORT, _FIELDS) is None


def test_a_cursor_of_another_model_is_not_opened() -> None:
    """The secret outlives the models: what was signed may be of other types by now."""
    cursors = Cursors(b"secret")
    made = cursors.make("sample", _SORT, ("a", "b", "c"))
    assert cursors.open(made, "sample", _SORT, _FIELDS) is None


@pytest.mark.parametrize("text", ["", "é", "%", "A" * 6_001, _GOLDEN[:-1], _GOLDEN.swapcase()])
def test_what_was_never_made_is_not_opened(text: str) -> None:
    assert Cursors(b"secret").open(text, "sample", _SORT, _FIELDS) is None


def test_tags_that_clients_keep_are_made_as_ever() -> None:
    """Another one would refuse every If-Match of theirs once; see RFC 9110, section 13."""
    assert tag_of_body(b'{"id":1}') == b'"b740eaf9c9eebfb7273ee74bfb95edc4"'
