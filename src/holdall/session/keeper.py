"""What the records of a session ask of it: taking note of changes, finding and loading what they refer to."""

from __future__ import annotations

from typing import Any

from holdall.model import Tracker, track_of
from holdall.policy import User
from holdall.query import Compare, Op, Query
from holdall.session.binding import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.reader import Reader

__all__ = ["SessionKeeper"]


class SessionKeeper:
    """The ``Keeper`` of a session's records; records hold it weakly."""

    def __init__(self, bindings: Bindings, user: User) -> None:
        self._bindings = bindings
        self.tracker = Tracker(self, _nobody_cares)
        self.records = IdentityMap(self.tracker)
        self.reader = Reader(bindings, self.records, user)

    def __del__(self) -> None:
        # records hold the tracker, the tracker the list it fills, and the cycle collector does not look at records
        self.tracker.touch = _nobody_cares

    def settled(self, record: Any) -> None:
        """A changed record has all its old values again."""
        self.records.dirty.pop(id(record), None)

    def watch(self, record: Any) -> None:
        """A value that can be changed in place was handed out."""
        self.records.watcher.watch(record)

    def peek(self, model: type[Any], key: Any) -> Any:
        """The record with this key if it is here."""
        return self.records.find(model, key)

    async def load(self, model: type[Any], key: Any) -> Any:
        """The record with this key, or None."""
        return await self.reader.get(self._bindings.of_model(model), key)

    async def load_back(self, record: Any, name: str) -> list[Any]:
        """The records of a Many that are kept by their own references."""
        field = type(record).__holdall__.by_name[name]
        target = self._bindings.of_model(field.target())
        key = record.__key__()
        if key is None:
            return []
        condition = Compare((field.options.back,), Op.EQ, key)
        return await self.reader.query(Query(target.collection, condition, model=target.model))

    def undo(self, record: Any) -> None:
        """Give a changed or deleted record its old values back."""
        track = track_of(record)
        for name, value in ((track.old if track is not None else None) or {}).items():
            type(record).__holdall__.by_name[name].put(record, value)
        self.records.mark_clean(record, record.__key__())


def _nobody_cares(record: Any) -> None:
    """What a tracker does with a changed record where no session is left to write it."""
