"""The two ends of a move: given up before the switch, or done with the store that the collection has left."""

from __future__ import annotations

from holdall.app.moving.fences import Fences
from holdall.app.moving.known_moves import KnownMoves
from holdall.app.moving.move import Move, kept_in
from holdall.app.moving.note import note_binding
from holdall.app.moving.report import MoveReport
from holdall.app.moving.rows import MOVE, POSITION, MoveRow, Position, note_name, read_row, removal
from holdall.errors import StateError
from holdall.query import ALWAYS, Query
from holdall.session import Binding, Bindings, Recovery, store_within
from holdall.session.journal.owner import commit_under_way
from holdall.store import Provisioned, Store

__all__ = ["cancelled", "ended"]

_MOST = 1_000  # notes that are removed at once


async def cancelled(move: Move) -> MoveReport:
    """Let writers go on without notes, and remove from the target what was copied.

    Raises StateError where the collection is not being moved there, or was switched.
    """
    await move.make_room()
    row = await read_row(move.source, MoveRow, move.name)
    known = await read_row(move.target, Position, move.name)
    is_begun = row is not None and row.state != "moved" and row.store == move.target.name
    if not is_begun and (known is None or (known.is_decided and known.is_over(row))):
        raise StateError(f"{move.name} is not being moved from {move.source.name!r} to {move.target.name!r}")
    with commit_under_way(move.run_id):
        await move.mover.take(move.begun(), row, is_cancelling=True)
        if move.state == "switching":
            raise StateError(
                f"{move.name} was switched to {move.target.name!r}: run the move to its end, then move back"
            )
        if row is not None and is_begun:
            if row.state == "closed":
                await move.reopen(row)
                row = await move.row()
            if move.state != "preparing":
                await move.mover.write([], state="copying", after="")  # for who runs it anew, if this is killed
                await move.catching_up().take_back()
            await move.fences.lift(move.source, row.id)
            await _remove_notes(move)  # before the row: those of another move, which begins then, stay
            await move.source.apply([removal(row)])
        await move.fences.lift(move.target, move.mover.position.id)
        report = move.report("cancelled")
        await move.target.apply([removal(move.mover.position)])
    return report


async def _remove_notes(move: Move) -> None:
    notes = move.note_binding()
    while rows := await move.source.fetch(Query(notes.collection, ALWAYS).limit(_MOST)):
        await move.pace.each(rows, move.catching_up().forget)


async def ended(bindings: Bindings, moves: KnownMoves, recovery: Recovery, binding: Binding, left: Store) -> MoveReport:
    """Drop what a collection has left in a store. Raises StateError where it was not moved away from there."""
    name, here = binding.collection, store_within(binding.store)
    left.bind([MOVE, POSITION, kept_in(bindings, binding, left).schema])
    here.bind([POSITION])
    for store in (left, here):
        if isinstance(store, Provisioned):
            await store.create()
    row = await read_row(left, MoveRow, name)
    known, former = await read_row(here, Position, name), await read_row(left, Position, name)
    if here is left or row is None or row.state != "moved":
        raise StateError(f"{name} was not moved away from store {left.name!r}")
    if former is not None and not former.is_over(await read_row(here, MoveRow, name)):
        raise StateError(f"{name} is being moved back to store {left.name!r}: end or cancel that first")
    note_binding(bindings, name, left)
    assert isinstance(left, Provisioned)
    await left.drop(name, note_name(name))
    await Fences(bindings, recovery, name).lift(left, row.id)
    await left.apply([removal(row)])
    if known is not None and known.source == left.name:
        await here.apply([removal(known)])
    if former is not None:
        await Fences(bindings, recovery, name).lift(left, former.id)
        await left.apply([removal(former)])
    await moves.look_at(left)
    bindings.forget(note_name(name))
    bindings.configure()
    return MoveReport(name, left.name, here.name, "ended")
