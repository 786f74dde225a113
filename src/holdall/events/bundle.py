"""Several events of one commit in one row of an outbox: the second stored form, which holds bodies of the first.

A bundle is ``[2, events]``, each event ``[number, body, attempts, due, error, is_dead]``. The id of an event is that of
its commit, which its row has, and its number there. Events that are delivered leave the bundle; the last one ends it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from holdall.events.changed_columns import ChangedColumns, bodies_in, holds_columns
from holdall.events.happened import CommitFacts
from holdall.session.journal.packing import UnreadableBody

__all__ = ["Bundled", "bundles_of", "decode_bundle", "encode_bundle", "is_bundle", "rows_of_columns"]

_MOST = 100  # events in a bundle
_ENOUGH = 65_536  # bytes of bodies in a bundle; a larger event stands alone


class Bundled(msgspec.Struct, frozen=True, array_like=True):
    """An event in a bundle: its number in its commit, the bytes of its body, and how it was tried."""

    number: int
    body: bytes
    attempts: int = 0
    due: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    error: str = ""
    is_dead: bool = False


_HEAD = bytes([0x92, 2])  # the list of two that every bundle is, and the first of them
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Bundled])


def is_bundle(stored: bytes) -> bool:
    """Whether these bytes of a row are a bundle, also one of columns, and no body of one event."""
    return stored.startswith(_HEAD) or holds_columns(stored)


def encode_bundle(events: Sequence[Bundled]) -> bytes:
    """The bytes of a bundle."""
    return _HEAD + _encoder.encode(events)


def decode_bundle(stored: bytes) -> list[Bundled]:
    """The events of a bundle. Raises UnreadableBody where it is damaged."""
    try:
        if holds_columns(stored):
            found = [Bundled(number, body) for number, body in bodies_in(stored)]
        else:
            found = _decoder.decode(memoryview(stored)[len(_HEAD) :])
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, LookupError) as error:
        if isinstance(error, UnreadableBody):
            raise
        raise UnreadableBody(f"its bundle is damaged ({type(error).__name__})", is_damage=True) from error
    if not found:
        raise UnreadableBody("its bundle is empty", is_damage=True)
    return found


def bundles_of(events: list[Bundled]) -> list[list[Bundled]]:
    """The events in as many bundles as they take, each of a size that is written anew without harm."""
    if len(events) <= _MOST and sum([len(each.body) for each in events]) <= _ENOUGH:
        return [events]
    bundles: list[list[Bundled]] = [[]]
    size = 0
    for event in events:
        if bundles[-1] and (size + len(event.body) > _ENOUGH or len(bundles[-1]) >= _MOST):
            bundles.append([])
            size = 0
        bundles[-1].append(event)
        size += len(event.body)
    return bundles


def rows_of_columns(columns: ChangedColumns, number: int, facts: CommitFacts) -> Iterator[tuple[str, bytes]]:
    """Changes as rows, the first event of this number: of each row the ``event``, and the bytes of its bundle of
    columns, or of the body of one event that is alone.
    """
    count = len(columns.keys)
    for start in range(0, count, _MOST):
        yield from _bundled(columns, number, facts, start, min(start + _MOST, count))


def _bundled(
    columns: ChangedColumns, number: int, facts: CommitFacts, start: int, stop: int
) -> Iterator[tuple[str, bytes]]:
    """The rows of the events from ``start`` to before ``stop``, halved until none is too large."""
    if stop - start == 1:
        yield f"{facts.commit}-{number + start}", columns.body(start, facts.tail)
        return
    stored = columns.encoded(number + start, facts.tail, start, stop)
    if len(stored) <= _ENOUGH:
        yield facts.commit, stored
        return
    middle = (start + stop) // 2
    yield from _bundled(columns, number, facts, start, middle)
    yield from _bundled(columns, number, facts, middle, stop)
