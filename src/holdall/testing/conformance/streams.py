"""Streams: bytes that grow at their end beside a record, and go with it."""

from __future__ import annotations

import asyncio

import pytest

from holdall.errors import StaleVersion
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Appending, Change, Feature, Provisioned, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["Streams"]

_TAPE = Schema(
    "tape", (FieldSchema("id", Kind.INT), FieldSchema("name", Kind.STR)), ("id",), streams=("log", "picture")
)
_BYTES = bytes(range(256))


class Streams:
    """Streams: items are appended, read and forgotten."""

    @requires(Feature.STREAMS, Appending)
    def test_append_and_read(self, case: Case) -> None:
        """Bytes come back as they were appended, whole or in part; each stream of each record is its own."""
        store = _filled(case)
        assert case.run(store.read("tape", 1, "log")) == b""
        assert case.run(store.length("tape", 1, "log")) == 0
        assert [case.run(store.append("tape", 1, "log", part)) for part in (b"ab", b"", _BYTES)] == [2, 2, 258]
        assert case.run(store.append("tape", 1, "picture", b"x")) == 1
        assert case.run(store.append("tape", 2, "log", b"other")) == 5
        whole = b"ab" + _BYTES
        assert case.run(store.read("tape", 1, "log")) == whole
        assert case.run(store.length("tape", 1, "log")) == len(whole)
        for start, stop in ((0, None), (1, 3), (3, 3), (5, 2), (0, 0), (250, 400), (258, None), (999, 1000), (0, 258)):
            assert case.run(store.read("tape", 1, "log", start, stop)) == whole[start:stop], (start, stop)
        assert case.run(store.read("tape", 1, "picture")) == b"x"
        assert sorted(case.fetch(Query("tape"))) == [(1, "one"), (2, "two")]

    @requires(Feature.STREAMS, Appending)
    def test_streams_go_with_their_record(self, case: Case) -> None:
        """An update leaves them; removing the record removes them, also where it is added again at once."""
        store = _filled(case)
        for key in (1, 2):
            case.run(store.append("tape", key, "log", b"kept"))
        case.apply_or_raise(Change(Verb.UPDATE, "tape", 1, ("name",), ("changed",)), _remove(2))
        assert case.run(store.read("tape", 1, "log")) == b"kept"
        case.apply_or_raise(_add(2, "again"))
        assert case.run(store.read("tape", 2, "log")) == b""
        case.apply_or_raise(_remove(1), _add(1, "anew"))
        assert case.run(store.length("tape", 1, "log")) == 0

    @requires(Feature.STREAMS, Appending)
    def test_without_a_record(self, case: Case) -> None:
        """Nothing is appended where there is no record, and there is nothing to read."""
        store = _filled(case)
        with pytest.raises(StaleVersion) as caught:
            case.run(store.append("tape", 3, "log", b"x"))
        assert (caught.value.collection, caught.value.key) == ("tape", 3)
        assert case.run(store.read("tape", 3, "log")) == b""
        assert case.run(store.length("tape", 3, "log")) == 0

    @requires(Feature.STREAMS, Appending)
    def test_appending_at_once(self, case: Case) -> None:
        """Of many appends at once each stays in one piece and none is lost."""
        store = _filled(case)
        parts = [bytes([65 + number]) * 50 for number in range(20)]

        async def work() -> list[int]:
            return await asyncio.gather(*(store.append("tape", 1, "log", part) for part in parts))

        assert sorted(case.run(work())) == [50 * number for number in range(1, 21)]
        found = case.run(store.read("tape", 1, "log"))
        assert sorted(found[place : place + 50] for place in range(0, 1000, 50)) == parts


def _filled(case: Case) -> Appending:
    """The store with two records on tape, and nothing appended."""
    store = case.store
    assert isinstance(store, Appending), "streams are declared, but there is no way to append"
    store.bind([_TAPE])
    if isinstance(store, Provisioned):
        case.run(store.create())
    held = case.fetch(Query("tape"))
    case.apply_or_raise(*(_remove(row[0]) for row in held), _add(1, "one"), _add(2, "two"))
    return store


def _add(key: int, name: str) -> Change:
    return Change(Verb.ADD, "tape", key, ("id", "name"), (key, name))


def _remove(key: int) -> Change:
    return Change(Verb.REMOVE, "tape", key)
