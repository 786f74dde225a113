"""The part of an application that moves collections to other stores."""

from __future__ import annotations

from collections.abc import Callable, Collection

from holdall.app.moving.ending import cancelled, ended
from holdall.app.moving.known_moves import KnownMoves
from holdall.app.moving.move import Move
from holdall.app.moving.report import MoveReport
from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.session import Binding, Bindings, Recovery
from holdall.store import Store

__all__ = ["Moving"]


class Moving:
    """An application whose collections can move. Example: ``docs/moving.md``."""

    bindings: Bindings
    stores: dict[str, Store]
    recovery: Recovery
    _moves: KnownMoves

    async def move(
        self,
        model: type[Model],
        *,
        to: str,
        dry_run: bool = True,
        accept: Collection[str] = (),
        batch: int = 500,
        progress: Callable[[MoveReport], object] | None = None,
    ) -> MoveReport:
        """Move a collection to another store of this application, while any number of programs write it.

        Nothing is written without ``dry_run=False``; the report tells what the collection would lose, and ``accept``
        takes these losses by their names. Each ``batch`` of records is written together with how far the move is, so
        that one that was stopped is taken up there. ``progress`` is told after each. A batch that a store refuses, or
        does not do in its time, is halved, down to one record, and later ones grow again. All writers wait once, for as
        long as it takes to follow the changes of the last moment.

        Raises Unsupported where a store cannot take part, StateError where something would be lost, where the target
        has records already, where another program has the move in hand, and where both sides do not become the same.
        Example: ``docs/moving.md``.
        """
        asked = await self._asked(model, to)
        move = Move(self.bindings, self._moves, self.recovery, *asked, batch=batch, progress=progress)
        return await move.plan() if dry_run else await move.run(accept)

    async def cancel_move(self, model: type[Model], *, to: str) -> MoveReport:
        """Stop moving a collection to a store and remove what was copied there; writers go on where they are.

        Raises StateError once the collection was switched: then it is moved back. Example: ``docs/moving.md``.
        """
        return await cancelled(Move(self.bindings, self._moves, self.recovery, *await self._asked(model, to)))

    async def end_move(self, model: type[Model], *, source: str) -> MoveReport:
        """Drop what a moved collection has left in the store it came from, once all programs have the new settings.

        Raises StateError where it was not moved away from there. Example: ``docs/moving.md``.
        """
        binding, store = await self._asked(model, source)
        return await ended(self.bindings, self._moves, self.recovery, binding, store)

    async def _asked(self, model: type[Model], store: str) -> tuple[Binding, Store]:
        """The collection where it lies now, and the store."""
        if store not in self.stores:
            raise DeclarationError(f"there is no store {store!r}; add it with add_store({store!r}, url)")
        self.bindings.configure()
        for each in self.bindings.stores():
            await self._moves.look_at(each)
        return self.bindings.of_model(model), self.stores[store]
