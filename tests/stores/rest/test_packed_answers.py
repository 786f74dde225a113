"""Answers that are packed in the ways servers pack them are read whole, or refused."""

from __future__ import annotations

import gzip
import zlib

import msgspec
import pytest

from holdall.errors import HoldallError, LimitExceeded, StoreUnavailable, UpstreamError
from holdall.query import Query
from holdall.testing.fault_server import Reply
from tests.support.rest_customers import customer, served

pytestmark = pytest.mark.anyio

_ROWS = list(range(1, 400))
_BODY = msgspec.json.encode([customer(number) for number in _ROWS])
_BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
_RAW = _BARE.compress(_BODY) + _BARE.flush()
_PARTS = gzip.compress(_BODY[:1000]) + gzip.compress(_BODY[1000:])


async def _ids(encoding: str, body: bytes, piece: int = 65_536, **options: int) -> list[int]:
    reply = Reply(body=body, headers={"Content-Encoding": encoding}, piece=piece, pause=0.0001 if piece < 100 else 0)
    async with served(otherwise=lambda _: reply, **options) as (store, _):
        return [row[0] for row in await store.fetch(Query[object]("customer"))]


@pytest.mark.parametrize(
    "encoding, body",
    [
        ("gzip", gzip.compress(_BODY)),
        ("X-GZIP", gzip.compress(_BODY)),
        ("gzip", _PARTS),
        ("gzip", gzip.compress(_BODY) + b"\0" * 100),
        ("deflate", zlib.compress(_BODY)),
        ("deflate", _RAW),
        ("identity", _BODY),
    ],
)
async def test_every_usual_way_is_read_whole(encoding: str, body: bytes) -> None:
    assert await _ids(encoding, body) == _ROWS
    assert await _ids(encoding, body, piece=40) == _ROWS


@pytest.mark.parametrize(
    "encoding, body, expected",
    [
        ("gzip", gzip.compress(_BODY)[:-9], StoreUnavailable),
        ("gzip", _PARTS[:-9], StoreUnavailable),
        ("deflate", _RAW[:-9], StoreUnavailable),
        ("gzip", _BODY, UpstreamError),
        ("gzip", _RAW, UpstreamError),
        ("deflate", _BODY, UpstreamError),
        ("deflate", gzip.compress(_BODY), UpstreamError),
        ("gzip, gzip", gzip.compress(gzip.compress(_BODY)), UpstreamError),
        ("br", _BODY, UpstreamError),
    ],
)
async def test_a_part_or_another_packing_is_refused(encoding: str, body: bytes, expected: type[HoldallError]) -> None:
    with pytest.raises(expected):
        await _ids(encoding, body)


async def test_the_bound_holds_for_all_members_together() -> None:
    assert await _ids("gzip", _PARTS, max_answer_bytes=len(_BODY)) == _ROWS
    with pytest.raises(LimitExceeded):
        await _ids("gzip", _PARTS, max_answer_bytes=len(_BODY) - 1)
