"""The other end of a 1-1 reference: a handle on the one record that refers here, and how such records are loaded."""

from __future__ import annotations

from typing import Any

from holdall.errors import NotLoaded
from holdall.model.gateway import gateway_of
from holdall.model.reference import Reference, session_of
from holdall.model.target import Target
from holdall.model.tracking import Record
from holdall.query import Key

__all__ = ["OneBack", "load_back"]


class OneBack(Reference[Any]):
    """The handle on the one record that refers here, or on none."""

    __slots__ = ("_name",)

    def __init__(self, target: Target | None, owner: Record, name: str) -> None:
        super().__init__(target, None, None, owner)
        self._name = name

    def _known(self) -> list[Record] | None:
        session = session_of(self._owner)
        return None if session is None else session.peek_back(self._owner, self._name)

    @property
    def key(self) -> Key:
        """The key of that record, or None; raises NotLoaded."""
        record = self._demanded()
        return None if record is None else record.__key__()

    @property
    def record(self) -> Record:
        """The record, if it is at hand without loading."""
        found = self._known()
        return found[0] if found else None

    @property
    def loaded(self) -> bool:
        """Whether it is known which record it is, or that there is none."""
        return self._known() is not None

    def _demanded(self) -> Record:
        if self._known() is None:
            raise NotLoaded(type(self._owner).__name__, self._name, is_end=True)
        return self.record

    async def _load(self) -> Record:
        found = await load_back(self._owner, self._name)
        return found[0] if found else None

    def __bool__(self) -> bool:
        return self._demanded() is not None

    def __eq__(self, other: object) -> bool:
        record = self._demanded()
        if record is None or other is None:
            return record is None and other is None
        return bool(Reference(self._target, None, record) == other)

    __hash__ = Reference.__hash__

    def __repr__(self) -> str:
        return f"Reference({self._target_name()}, {self.key!r})" if self.loaded else f"Reference({self._name})"


async def load_back(owner: Record, name: str) -> list[Record]:
    """The records that refer to the owner, by its session; if that is gone, by the active one or one for this act."""
    session = session_of(owner)
    if session is not None:
        return await session.load_back(owner, name)
    async with gateway_of(type(owner)) as act:
        return await act.session.context.load_back(owner, name)
