"""The one that moves a collection: it owns the position in the target, and writes nothing without renewing that."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import msgspec

from holdall.app.moving.rows import POSITION, MoveRow, Position, read_row, row_change
from holdall.errors import AlreadyExists, LockConflict, Reserved, StaleVersion, StateError
from holdall.session.journal.owner import is_known_dead, this_owner
from holdall.store import Change, Store

__all__ = ["Mover"]

_LEASE = dt.timedelta(seconds=60)
_TRIES = 8
_FIRST_PAUSE = 0.02  # seconds


class Mover:
    """The owner of a move for one ``run``; ``position`` is what the target has of it."""

    def __init__(self, target: Store, run: str) -> None:
        self._target = target
        self._owner = f"{this_owner()} {run}"
        self._position: Position | None = None

    @property
    def position(self) -> Position:
        """How far the move is, as this run has written it."""
        assert self._position is not None
        return self._position

    async def take(self, wanted: Position, row: MoveRow | None, *, is_cancelling: bool = False) -> None:
        """Take the move up where it is, or begin it as ``wanted``, also in place of one that ended long ago.

        ``row`` is the one beside the source. Raises StateError while somebody else has the move in hand; to cancel it,
        not while that one copies: his next batch is refused then, and he does nothing else.
        """
        known = await read_row(self._target, Position, wanted.collection)
        if known is not None:
            owner, _, run = known.owner.partition(" ")
            is_stopped = is_cancelling and known.state == "copying"
            if not is_stopped and owner and not is_known_dead(owner, run) and known.until > _now():
                last = f"{known.until - _LEASE:%Y-%m-%d %H:%M:%S} UTC"
                raise StateError(f"{known.collection} is being moved elsewhere: its last batch was at {last}")
        self._position = known
        base = wanted if known is None or known.is_over(row) else known
        if known is not None and not known.is_decided:
            base = msgspec.structs.replace(base, id=known.id)  # so that a fence that was left is set anew, or lifted
        await self._put([], msgspec.structs.replace(base, owner=self._owner, until=_now() + _LEASE))

    async def write(self, changes: Sequence[Change], **moved: object) -> None:
        """Write a batch to the target in one step with these members of the position.

        Raises StateError where somebody else has taken the move over.
        """
        await self._put(changes, msgspec.structs.replace(self.position, until=_now() + _LEASE, **moved))

    async def _put(self, changes: Sequence[Change], row: Position) -> None:
        former, pause = self._position, _FIRST_PAUSE
        row = msgspec.structs.replace(row, version=row.epoch if former is None else former.version + 1)
        for attempt in range(_TRIES):
            try:
                await self._target.apply([*changes, row_change(row, former)])
            except (AlreadyExists, StaleVersion) as error:
                if getattr(error, "collection", "") != POSITION.name:
                    raise
                former = await self._written_late(row.collection)
                if former is None:
                    raise StateError(f"the move of {row.collection} was taken over by another program") from error
                row = msgspec.structs.replace(row, version=former.version + 1)
            except (LockConflict, Reserved):
                if attempt + 1 == _TRIES:
                    raise
                await asyncio.sleep(pause * 2**attempt)
            else:
                self._position = row
                return

    async def _written_late(self, collection: str) -> Position | None:
        """The position in the target where a batch of this run, for which it waited no more, was written after all."""
        found, known = await read_row(self._target, Position, collection), self._position
        is_own = found is not None and known is not None and found.owner == self._owner and found.state == known.state
        return found if is_own else None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
