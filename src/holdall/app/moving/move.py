"""One move of a collection: prepared, copied, followed, compared, switched; each step is noted and can be taken up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from time import monotonic, time
from uuid import uuid4

import msgspec

from holdall.app.jobs.key_range import key_of, text_of
from holdall.app.moving.catching_up import CatchingUp
from holdall.app.moving.comparing import BothSides
from holdall.app.moving.fences import Fences
from holdall.app.moving.fitness import Loss, demand_accepted, demand_movable, losses
from holdall.app.moving.known_moves import KnownMoves
from holdall.app.moving.move_point import MovePoint
from holdall.app.moving.mover import Mover
from holdall.app.moving.note import note_binding
from holdall.app.moving.pace import Pace
from holdall.app.moving.report import MoveReport
from holdall.app.moving.rows import MOVE, POSITION, MoveRow, Position, put_row, read_row
from holdall.errors import AlreadyExists, Conflict, HoldallError, StaleVersion, StateError
from holdall.query import Key, Query, Row
from holdall.session import Binding, Bindings, Recovery, store_within
from holdall.session.commit.failpoint import reached
from holdall.session.journal.owner import commit_under_way
from holdall.store import MOVE_NOTES, MOVE_POSITIONS, Aggregating, Provisioned, Store

__all__ = ["Move", "kept_in"]

Progress = Callable[[MoveReport], object]

_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Move:
    """Moves one collection to a store. Example: ``docs/moving.md``."""

    def __init__(
        self,
        bindings: Bindings,
        moves: KnownMoves,
        recovery: Recovery,
        moving: Binding,
        target: Store,
        *,
        batch: int = 500,
        progress: Progress | None = None,
    ) -> None:
        if type(batch) is not int or batch < 1:
            raise StateError("batch is a number of records above zero")
        source = store_within(moving.store)
        self._bindings = bindings
        self._moves = moves
        self._here = kept_in(bindings, moving, source)
        self._there = kept_in(bindings, moving, target)
        demand_movable(self._here, self._there)
        self.source = source
        self.target = target
        self.name = moving.collection
        self.pace = Pace(batch, self._look)
        self._progress = progress
        self.run_id = uuid4().hex
        self.mover = Mover(target, self.run_id)
        self.sides = BothSides(self._here, self._there)
        self.catch_up: CatchingUp
        self.fences = Fences(bindings, recovery, self.name)
        self._copied = 0
        self._compared = 0
        self._pause = 0.0

    def losses(self) -> list[Loss]:
        """Return what the collection would lose."""
        return losses(self._here, self.target)

    async def plan(self) -> MoveReport:
        """Report what the move would do, and write nothing."""
        number = await self.source.count(Query(self.name)) if isinstance(self.source, Aggregating) else None
        names = self.name, self.source.name, self.target.name
        return MoveReport(*names, "planned", records=number, losses=tuple(self.losses()))

    async def run(self, accepted: Collection[str]) -> MoveReport:
        """Move the collection, from wherever an earlier run came to."""
        demand_accepted(self._here, self.target, self.losses(), accepted)
        with commit_under_way(self.run_id):
            await self._prepare()
            if self.state == "copying":
                await self._copy()
            if self.state == "following":
                await self.catch_up.compare(self._tell_compared)
                await self._switch()
            if self.state == "switching":
                await self._finish()
        return self.report()

    # --- the phases -------------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Have both stores know of the move, and all writers note what they change."""
        await self.make_room()
        row = await read_row(self.source, MoveRow, self.name)
        back = await self._former_row()
        if row is not None and row.state == "moved" and await self.fences.is_set(self.source, row.id):
            raise StateError(f"{self.name} was moved from store {self.source.name!r} to {row.store!r}: name that store")
        known = await read_row(self.target, Position, self.name)
        if row is not None and row.state != "moved" and (known is None or known.id != row.id):
            raise self._moving_elsewhere(row)
        if back is None and (known is None or known.is_over(row)):
            self._demand_empty(await self._target_rows())
        await self.mover.take(self.begun(), row)
        if self.state == "switching":
            self.catch_up = self.catching_up()
            return
        await self.fences.put(self.target, self.mover.position.id, self.target, MOVE_POSITIONS)
        if back is not None:
            await self.fences.lift(self.target, back.id)
        now = self.mover.position
        noted = MoveRow(self.name, now.id, self.target.name, "noted", now.epoch)
        if row is None or row.state == "moved":
            try:
                await put_row(self.source, noted, row)
            except (AlreadyExists, StaleVersion) as error:
                raise self._moving_elsewhere(await self.row()) from error
        elif row.state == "closed":
            await put_row(self.source, msgspec.structs.replace(row, state="noted"), row)
        await self.fences.put(self.source, self.mover.position.id, self.target, MOVE_NOTES)
        await self._moves.look_at(self._here_now().store, self.name)
        await self.fences.wait_for_holds(self.source)
        self.catch_up = self.catching_up()
        reached(MovePoint.NOTED)
        if self.state == "preparing":
            if back is not None:
                await self.catch_up.clear_target()
            else:
                self._demand_empty(await self._target_rows())
            await self.mover.write([], state="copying")

    async def _copy(self) -> None:
        after = key_of(self._here, self.mover.position.after)
        self._copied = self.mover.position.copied
        async for rows in self.sides.pages(self._here, self.pace, after):
            await self.pace.each([*rows.items()], self._copy_together)
        await self.mover.write([], state="following")

    async def _copy_together(self, rows: Sequence[tuple[Key, Row]]) -> None:
        copied = self._copied + len(rows)
        moved = {"after": text_of(rows[-1][0]), "copied": copied}
        try:
            await self.mover.write(self.sides.additions(dict(rows)), **moved)
        except Conflict:  # of what was written before, or of values that went to others meanwhile
            await self.catch_up.bring([key for key, _ in rows], **moved)
        self._copied = copied
        reached(MovePoint.COPIED)
        self._tell()

    async def _switch(self) -> None:
        """Have all writers wait, follow the last changes, and send them to the target."""
        row = await self.row()
        begun, is_deciding = monotonic(), False
        try:
            row = await put_row(self.source, msgspec.structs.replace(row, state="closed"), row)
            await self.fences.put(self.source, row.id, self.target, "")
            reached(MovePoint.CLOSED)
            await self.fences.wait_for_holds(self.source)
            await self.catch_up.follow(is_closed=True)
            is_deciding = True
            await self.mover.write([], state="switching")
        except BaseException:
            if not is_deciding or await self._is_undecided():
                await self.reopen(row)
            raise
        reached(MovePoint.SWITCHING)
        await self._finish()
        self._pause = monotonic() - begun

    async def _is_undecided(self) -> bool:
        """Whether ``switching`` was not written, and will not be; else writers wait for the next run."""
        try:
            await self.mover.write([])
        except HoldallError:
            return False
        return True

    async def reopen(self, row: MoveRow) -> None:
        """Let writers go on, with notes."""
        await self.fences.put(self.source, row.id, self.target, MOVE_NOTES)
        await put_row(self.source, msgspec.structs.replace(row, state="noted"), row)

    async def _finish(self) -> None:
        """Send everybody to the target; from here on there is no way back but another move."""
        await self.fences.lift(self.target, self.mover.position.id)
        reached(MovePoint.LIFTED)
        row = await self.row()
        if row.state != "moved":
            await put_row(self.source, msgspec.structs.replace(row, state="moved"), row)
        await self.mover.write([], state="moved", owner="")
        await self._moves.look_at(self._here_now().store, self.name)
        if isinstance(self.target, Provisioned):  # now that it knows the rows of events beside the collection
            await self.target.create()

    # --- what they use ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The phase that it has come to."""
        return self.mover.position.state

    def catching_up(self) -> CatchingUp:
        """The one that brings the target after the source."""
        return CatchingUp(self.sides, self.mover, self.note_binding(), self.pace)

    def begun(self) -> Position:
        """The position of a move that begins."""
        epoch = max(int(time() * 1_000), self._moves.epoch_of(self.name) + 1)  # whatever this machine's clock says
        return Position(self.name, f"move-{uuid4().hex}", self.source.name, epoch, "preparing", "", 0, 0, "", _LONG_AGO)

    def _here_now(self) -> Binding:
        return self._bindings.of_name(self.name)

    def note_binding(self) -> Binding:
        """The collection of notes, beside the source."""
        return note_binding(self._bindings, self.name, self._here_now().store)

    async def row(self) -> MoveRow:
        """The row beside the source. Raises StateError without one."""
        row = await read_row(self.source, MoveRow, self.name)
        if row is None:
            raise StateError(f"store {self.source.name!r} has no row of the move of {self.name}: it was cancelled")
        return row

    async def _former_row(self) -> MoveRow | None:
        """The row beside the target of a move by which the collection left it."""
        row = await read_row(self.target, MoveRow, self.name)
        return row if row is not None and row.state == "moved" else None

    async def make_room(self) -> None:
        """Have both stores know the rows of moves, and the target the collection."""
        self.note_binding()
        self.source.bind([MOVE])
        self.target.bind([self._there.schema, MOVE, POSITION])
        for store in (self.source, self.target):
            if isinstance(store, Provisioned):
                await store.create()

    async def _target_rows(self) -> int:
        return len(await self.target.fetch(Query(self.name).limit(1)))

    def _moving_elsewhere(self, row: MoveRow) -> StateError:
        return StateError(f"{self.name} is being moved to store {row.store!r}; end or cancel that first")

    def _demand_empty(self, rows: int) -> None:
        if rows:
            raise StateError(
                f"store {self.target.name!r} has records of {self.name} that no move brought there: remove them first"
            )

    async def _look(self) -> None:
        """Demand that both stores answer and the move is still this one's, and keep it so."""
        await self.row()
        await self.mover.write([])
        self._tell()

    def _tell_compared(self, number: int) -> None:
        self._compared += number
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.report())

    def report(self, state: str = "") -> MoveReport:
        """How far it is."""
        now = self.mover.position
        return MoveReport(
            self.name,
            self.source.name,
            self.target.name,
            state or now.state,
            now.copied,
            now.followed,
            self._compared,
            self._pause,
            tuple(self.losses()),
            batch=self.pace.size,
        )


def kept_in(bindings: Bindings, moving: Binding, store: Store) -> Binding:
    """The binding of a collection as it is, or would be, in a store; none of the application's own."""
    binding = moving.kept_in(store)
    binding.relationships, binding.bound_by = moving.relationships, moving.bound_by
    binding.configure(lambda model: bindings.of_model(model).collection)
    return binding
