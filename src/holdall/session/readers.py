"""The reader of a session: the plain one, unless somebody listens to its reads or these may go to replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdall.policy import User
from holdall.session.bindings import Bindings
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap
from holdall.session.instrument import Act
from holdall.session.reader import Reader
from holdall.session.watched_reader import Around, ReplicaReader, WatchedReader
from holdall.store import reading_replicas

__all__ = ["reader_of"]


def reader_of(
    bindings: Bindings, records: IdentityMap, user: User, dao_records: DaoRecords, written: set[str]
) -> Reader:
    """Make the reader of a session; ``written`` are the names of the stores that it has written."""
    instrument = bindings.instrument
    told = instrument.read if instrument is not None and instrument.sees_reads else None
    if bindings.has_replicas:
        around = _near(written, told)
        return ReplicaReader(bindings, records, user, dao_records, around=around, written=written)
    if told is not None:
        return WatchedReader(bindings, records, user, dao_records, around=told)
    return Reader(bindings, records, user, dao_records)


def _near(written: set[str], told: Around | None) -> Around:
    """A block within which reads may go to replicas."""

    @contextmanager
    def around(verb: str, collection: str) -> Iterator[Act]:
        with reading_replicas(written):
            if told is None:
                yield _Untold()
                return
            with told(verb, collection) as act:
                yield act

    return around


class _Untold:
    def ended(self, rows: int) -> None:
        pass
