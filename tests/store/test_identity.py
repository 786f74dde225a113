"""Identities of stores as they are kept: what an earlier Holdall wrote is read, another format told by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.errors import CorruptRecord, UnknownFormat
from holdall.store import IDENTITY_FORMAT, decode_identity, encode_identity, new_identity
from tests.support.golden_world import RESERVATION

_GOLDEN = Path(__file__).parent / "golden"


def test_what_is_written_is_the_newest_golden_file() -> None:
    """Never write it anew: a change of the format gets a new number and a file of its own."""
    written = encode_identity(RESERVATION.home) + b"\n"
    assert written == (_GOLDEN / f"identity_{IDENTITY_FORMAT}.json").read_bytes()


def test_what_an_earlier_holdall_wrote_is_read() -> None:
    assert decode_identity("main", "here", (_GOLDEN / "identity_1.json").read_bytes()) == RESERVATION.home


def test_no_two_are_alike() -> None:
    assert len({new_identity() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "raw, error, told",
    [
        (b'{"format":2,"name":"x"}', UnknownFormat, "here was written by another version of Holdall: it has format 2"),
        (b'{"format":1}', CorruptRecord, "here cannot be read"),
        (b"c0ffee", CorruptRecord, "here cannot be read"),
        (b"\xff", CorruptRecord, "here cannot be read"),
        (b"", CorruptRecord, "here cannot be read"),
    ],
)
def test_anything_else_is_refused_by_name(raw: bytes, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        decode_identity("main", "here", raw)
