"""Reservations as stores keep them: what an earlier Holdall wrote is read, another format is told by its number."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from holdall.store import RESERVATION_FORMAT, Reservation
from tests.support.golden_world import COMMIT, RESERVATION

_GOLDEN = Path(__file__).parent / "golden"


def test_what_is_written_is_the_newest_golden_file() -> None:
    """Never write it anew: a change of the format gets a new number and a file of its own."""
    assert RESERVATION.encode() + b"\n" == (_GOLDEN / f"reservation_{RESERVATION_FORMAT}.json").read_bytes()
    assert {path.name for path in _GOLDEN.glob("reservation_*")} == {
        f"reservation_{number}.json" for number in range(1, RESERVATION_FORMAT + 1)
    }


def test_what_an_earlier_holdall_wrote_is_read() -> None:
    found = Reservation.decode(COMMIT, (_GOLDEN / "reservation_1.json").read_bytes())
    assert found == RESERVATION
    assert found.is_readable


@pytest.mark.parametrize(
    "data, number",
    [
        (b'{"format":2}', 2),
        (msgspec.json.encode(msgspec.structs.replace(RESERVATION, format=7)), 7),
        (b'{"format":1}', 0),
        (b'{"commit":"c0ffee"}', 0),
        (b"", 0),
    ],
)
def test_another_format_is_told_by_its_number_and_the_commit(data: bytes, number: int) -> None:
    found = Reservation.decode(COMMIT, data)
    assert (found.commit, found.format, found.is_readable) == (COMMIT, number, False)
