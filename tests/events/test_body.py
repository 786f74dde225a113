"""The stored form of an event: each format is read for ever, an unknown one refused by its number."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.events.body import Body, decode_body
from holdall.model import EventKind
from holdall.session.journal.packing import KeyToCome, UnreadableBody
from tests.support.event_library import encoded

_GOLDEN = Path(__file__).parent / "golden" / "event_1.hex"

_VALUES: dict[str, Any] = {
    "text": "é\n",
    "number": -(2**63) + 1,
    "price": Decimal("1.50"),
    "id": UUID(int=7),
    "day": dt.date(2026, 2, 28),
    "at": dt.datetime(2026, 2, 28, 1, 2, 3, 4, dt.UTC),
    "time": dt.time(1, 2, 3),
    "span": dt.timedelta(days=-1, microseconds=5),
    "bytes": b"\x00\xff",
    "tags": (1, 2),
    "json": {"a": [None, True, 1.5]},
    "nothing": None,
}


def _body(key: Any = (1, "a")) -> Body:
    at = dt.datetime(2026, 11, 29, 8, 0, tzinfo=dt.UTC)
    return Body(EventKind.CHANGED, key, ("text",), _VALUES, {"text": "new"}, "ann", "request-1", "0198", at)


def test_the_form_is_as_it_was_written() -> None:
    assert decode_body(bytes.fromhex(_GOLDEN.read_text())) == _body()
    assert encoded(_body()).hex() == _GOLDEN.read_text().strip()


def test_keys_that_lie_beside_are_put_in() -> None:
    new = {"author": KeyToCome(1), "tags": (KeyToCome(0), 5)}
    body = Body(EventKind.CREATED, KeyToCome(0), (), {}, new, None, None, "", _body().at)
    found = decode_body(encoded(body), (7, 8))
    assert (found.key, found.new) == (7, {"author": 8, "tags": (7, 5)})
    with pytest.raises(UnreadableBody, match="damaged"):
        decode_body(encoded(body), (7,))


@given(st.binary(max_size=40))
def test_bytes_that_are_no_body_are_refused(junk: bytes) -> None:
    with pytest.raises(UnreadableBody):
        decode_body(junk)


@given(st.integers(0, 400))
def test_a_body_that_was_cut_or_changed_is_refused_or_read(place: int) -> None:
    whole = bytearray(encoded(_body()))
    place %= len(whole)
    with pytest.raises(UnreadableBody):
        decode_body(bytes(whole[:place]))
    whole[place] ^= 0x55
    try:
        decode_body(bytes(whole))
    except UnreadableBody:
        return
