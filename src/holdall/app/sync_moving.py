"""Moves of collections, for code that is not async."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from holdall.app.application import Application
from holdall.app.moving.report import MoveReport
from holdall.model import Model
from holdall.session import Wait

__all__ = ["SyncMoving"]


class SyncMoving:
    """The verbs of an application that move collections; see ``Holdall`` for each. Example: ``docs/moving.md``."""

    _app: Application

    if TYPE_CHECKING:

        @property
        def _call(self) -> Wait: ...

    def move(
        self,
        model: type[Model],
        *,
        to: str,
        dry_run: bool = True,
        accept: Collection[str] = (),
        batch: int = 500,
        progress: Callable[[MoveReport], object] | None = None,
    ) -> MoveReport:
        """Move a collection to another store, while any number of programs write it."""
        return self._call(
            lambda: self._app.move(model, to=to, dry_run=dry_run, accept=accept, batch=batch, progress=progress)
        )

    def cancel_move(self, model: type[Model], *, to: str) -> MoveReport:
        """Stop moving a collection to a store and remove what was copied there."""
        return self._call(lambda: self._app.cancel_move(model, to=to))

    def end_move(self, model: type[Model], *, source: str) -> MoveReport:
        """Drop what a moved collection has left in the store it came from."""
        return self._call(lambda: self._app.end_move(model, source=source))
