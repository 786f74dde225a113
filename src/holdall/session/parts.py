"""What the records of a session ask of it: taking note of changes, finding and loading what they refer to."""

from __future__ import annotations

from typing import Any

from holdall.errors import StateError
from holdall.model import SessionLink, State, state_of, track_of
from holdall.policy import Right, User
from holdall.query import Compare, Condition, Op, Query, Some
from holdall.session.bindings import Bindings
from holdall.session.dao.activity import SessionActivity
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap
from holdall.session.reader import Reader
from holdall.session.references.related_reader import having_keys

__all__ = ["SessionParts"]

_STAYING = (State.CLEAN, State.DIRTY)


class SessionParts:
    """The ``SessionAccess`` of a session's records; records hold it weakly."""

    def __init__(self, bindings: Bindings, user: User) -> None:
        self._bindings = bindings
        self._user = user
        self.link = SessionLink(self, _nobody_cares)
        self.records = IdentityMap(self.link)
        self.activity = SessionActivity(self.link, self.records)
        self.dao_records = DaoRecords(bindings, self.records, self.activity)
        self.reader = Reader(bindings, self.records, user, self.dao_records)
        self.backs = self.records.backs

    def __del__(self) -> None:
        # records hold the link, the link the list it fills, and the cycle collector does not look at records
        self.link.touch = _nobody_cares

    def became_clean(self, record: Any) -> None:
        """A changed record has all its old values again."""
        self.records.states.forget(record)

    def watch(self, record: Any) -> None:
        """A value that can be changed in place was handed out."""
        self.records.watcher.watch(record)

    def peek(self, model: type[Any], key: Any) -> Any:
        """The record with this key if it is here."""
        return self.records.find(model, key)

    async def load(self, model: type[Any], key: Any) -> Any:
        """The record with this key, or None."""
        return await self.reader.get(self._bindings.of_model(model), key)

    def stream_place(self, record: Any, *, is_append: bool) -> tuple[Any, str, Any]:
        """The store, collection and key by which a record's streams are reached.

        Raises Forbidden without the right to read or update, StateError for a record that is not stored.
        """
        binding = self._bindings.of_model(type(record))
        binding.policy.demand(Right.UPDATE if is_append else Right.READ, self._user, binding.collection)
        state = state_of(record)
        if state not in (State.CLEAN, State.DIRTY):
            raise StateError(f"this {type(record).__name__} is {state.value}: commit it before using its streams")
        return binding.store, binding.collection, self.records.stored_key(record)

    async def load_back(self, record: Any, name: str) -> list[Any]:
        """The records of a Many that are kept by their own references."""
        field = type(record).__holdall__.by_name[name]
        target = self._bindings.of_model(field.target())
        key = record.__key__()
        if key is None:
            return []
        path = (field.options.back,)
        condition: Condition = Compare(path, Op.EQ, key)
        if target.declaration.by_name[field.options.back].form is not None:
            condition = Some(path, having_keys(self._bindings.of_model(type(record)), [key]))
        found = await self.reader.query(Query(target.collection, condition, model=target.model))
        if field.is_single:
            self.backs.keep(record, name, found)
        return found

    def peek_back(self, record: Any, name: str) -> list[Any] | None:
        """The same if they are loaded."""
        return self.backs.loaded(record, name)

    def keep_back(self, record: Any, name: str, found: list[Any] | None) -> None:
        """Take these as loaded."""
        self.backs.keep(record, name, found)

    def at_hand(self, model: type[Any]) -> list[Any]:
        """The records of a model that are here and stay, new ones too."""
        new = [record for record in self.records.new.values() if type(record) is model]
        return [*new, *[record for record in self.records.of(model).values() if state_of(record) in _STAYING]]

    def undo(self, record: Any) -> None:
        """Give a changed or deleted record its old values back."""
        track = track_of(record)
        for name, value in ((track.old if track is not None else None) or {}).items():
            type(record).__holdall__.by_name[name].put(record, value)
        self.records.mark_clean(record, record.__key__())


def _nobody_cares(record: Any) -> None:
    """What a link does with a changed record where no session is left to write it."""
