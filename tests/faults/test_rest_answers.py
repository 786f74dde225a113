"""Every fault at every request of every call to somebody else's API, before the call is carried out and after it.

The short form strikes once; ANSWERS=1 also lets faults last, and takes those that send very much.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from holdall.errors import StoreUnavailable
from holdall.stores.rest.pages import Lister
from holdall.testing.fault_server import FAULTS
from tests.faults.answers import READS, WRITES, requests_of, wrong_reads, wrong_writes
from tests.faults.shop import Strike

pytestmark = pytest.mark.anyio

_IS_LONG = bool(os.environ.get("ANSWERS"))
_LARGE = {"huge", "huge without length", "huge once unpacked"}
_SLOW = {"slow", "hanging"}
_FAULTS = [name for name in FAULTS if _IS_LONG or name not in _LARGE]
_SAY_NO = {"redirect away", "redirect in circles", "too many"}  # who says so after the call is no API but a liar
_REFUSALS = ["unauthorized", "forbidden", "conflict", "precondition", "not found"]
_LIES_OF_LISTS = ["empty page", "half a page", "not found", "no content", "the first page again"]


def _lasting() -> list[bool]:
    return [False, True] if _IS_LONG else [False]


@pytest.mark.parametrize("name", READS)
async def test_what_is_read_is_true_or_refused(name: str) -> None:
    read = READS[name]

    requests = range(await requests_of(read))
    lies = [(lie, at) for lie in _LIES_OF_LISTS for at in requests if at] if "list" in name else []
    faults = [(fault, at) for fault in _FAULTS for at in requests]
    strikes = [Strike(fault, at, False, lasts) for fault, at in [*faults, *lies] for lasts in _lasting()]
    assert (await wrong_reads(read, strikes)) == []


@pytest.mark.parametrize("name", WRITES)
async def test_what_is_said_of_a_write_is_true(name: str) -> None:
    write = WRITES[name]

    requests = range(await requests_of(write))
    kinds = [(fault, False) for fault in [*_FAULTS, *_REFUSALS]]
    kinds += [(fault, True) for fault in _FAULTS if fault not in _SAY_NO]
    strikes = [Strike(fault, at, late, lasts) for fault, late in kinds for at in requests for lasts in _lasting()]
    assert (await wrong_writes(write, strikes)) == []


@pytest.mark.parametrize("name", ["add by POST", "add by PUT"])
async def test_an_add_that_cannot_be_looked_at_after_it_was_sent_again_is_not_said_to_be_undone(name: str) -> None:
    strikes = [Strike("cut in the head", 0, True, then=Strike(fault, 2)) for fault in [*_FAULTS, *_REFUSALS]]
    assert (await wrong_writes(WRITES[name], strikes)) == []


async def test_a_write_that_is_said_to_have_failed_too_soon_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def sure(store: str, place: str, *_: Any, **__: Any) -> StoreUnavailable:
        return StoreUnavailable(store, place)

    monkeypatch.setattr("holdall.stores.rest.repetition.from_status", sure)
    for room in ("writing", "trust"):
        monkeypatch.setattr(f"holdall.stores.rest.{room}.unknown", sure)
    for fault in ("error", "not JSON"):
        assert await wrong_writes(WRITES["add by POST"], [Strike(fault, 0, True)])


async def test_a_list_that_is_taken_for_whole_too_soon_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdall.stores.rest.pages._End._demand_reached", lambda self: None)
    monkeypatch.setattr(Lister, "_demand_whole", lambda self, *_, **__: None)
    monkeypatch.setattr("holdall.stores.rest.reading.min", lambda totals: 0, raising=False)
    for style in ("page", "cursor"):
        assert await wrong_reads(READS[f"list by {style}"], [Strike("empty page", 1)])
