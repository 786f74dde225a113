"""Moves as long work: how far each is, as the stores on both sides tell it; stopped and gone on with by its id."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import msgspec

from holdall.app.jobs import JobReport
from holdall.app.moving.moving import Moving
from holdall.app.moving.rows import MOVE, POSITION, MoveRow, Position, read_row
from holdall.errors import NotFound
from holdall.model import Model
from holdall.query import Json
from holdall.session import store_within
from holdall.store import Fencing, Preparable

__all__ = ["MoveJobs"]

_STATES = {"preparing": "planning", "moved": "done"}


class _Found(msgspec.Struct, frozen=True):
    model: type[Model]
    row: MoveRow
    position: Position

    def report(self, state: str = "") -> JobReport:
        """The move as a job of one part."""
        row, now = self.row, self.position
        state = state or _STATES.get(now.state, "running")
        inputs: dict[str, Json] = {"collection": row.collection, "source": now.source, "to": row.store}
        begun = dt.datetime.fromtimestamp(row.epoch / 1_000, dt.UTC)
        counts = {"followed": float(now.followed)} if now.followed else {}
        return JobReport(row.id, "move", inputs, state, begun, 1, int(state == "done"), now.copied, 0, counts, ())


class MoveJobs:
    """The moves of one application, from the first step of each until what it left is dropped.

    Example: ``docs/moving.md``.
    """

    prefix = "move-"

    def __init__(self, app: Moving) -> None:
        self._app = app

    async def latest(self, limit: int) -> list[JobReport]:
        """Report the latest moves, the newest first."""
        found = [each.report() async for each in self._moves()]
        return sorted(found, key=lambda report: report.created_at, reverse=True)[:limit]

    async def show(self, job: str) -> JobReport:
        """Report how far a move is; raises NotFound."""
        return (await self._named(job)).report()

    async def cancel(self, job: str) -> JobReport:
        """Give a move up as ``cancel_move`` does; one that is done stays so."""
        found = await self._named(job)
        if found.position.state == "moved":
            return found.report()
        await self._app.cancel_move(found.model, to=found.row.store)
        return found.report("cancelled")

    async def resume(self, job: str) -> JobReport:
        """Go on with a move. Raises StateError for losses, which ``move`` takes."""
        found = await self._named(job)
        if found.position.state != "moved":
            await self._app.move(found.model, to=found.row.store, dry_run=False)
        return await self.show(job)

    async def _named(self, job: str) -> _Found:
        async for each in self._moves():
            if each.row.id == job:
                return each
        raise NotFound("job", job)

    async def _moves(self) -> AsyncIterator[_Found]:
        """Give every move; a store that has no fences is not asked for rows."""
        app = self._app
        app.bindings.configure()
        for name, store in app.stores.items():
            inner = store_within(store)
            if not (isinstance(inner, Fencing) and isinstance(inner, Preparable)):
                continue
            if not any(held.is_fence for held in await inner.prepared()):
                continue
            inner.bind([MOVE])
            for binding in [each for each in app.bindings if not each.is_hidden]:
                row = await read_row(inner, MoveRow, binding.collection)
                target = None if row is None else app.stores.get(row.store)
                if row is None or target is None:
                    continue
                there = store_within(target)
                there.bind([POSITION])
                position = await read_row(there, Position, binding.collection)
                if position is not None and position.id == row.id and position.source == name:
                    yield _Found(binding.model, row, position)
