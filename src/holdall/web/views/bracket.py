"""The bracket of a write: authorize, change, before_commit, commit, after_commit; the outermost of several commits."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from holdall.errors import StateError
from holdall.model import Model, Record
from holdall.query import Json, Value
from holdall.session import Session
from holdall.web.preferences import NONE, Preferences
from holdall.web.rehearsal import rehearse
from holdall.web.views.answers import Action, Input
from holdall.web.views.items import BulkItems

__all__ = ["UNGIVEN", "WriteAction", "Writes", "snapshot"]

_log = logging.getLogger("holdall.web")

UNGIVEN: Any = msgspec.UNSET
"""Stands for an object that is to be made within a bracket."""


class WriteAction:
    """One write in progress; ``obj`` is the record that it is about, None where it is about no single one.

    Example: :class:`AsyncRestView`.
    """

    def __init__(self, action: str, obj: Value, data: Input) -> None:
        self.action = action
        self.obj = obj
        self.data = data
        self.old = None if obj is UNGIVEN else snapshot(obj)

    @property
    def new(self) -> Record | None:
        """The record as it is to be; raises StateError where none was set. None of one that is removed."""
        if self.obj is UNGIVEN:
            raise StateError(
                f"the write action {self.action!r} was given no object: set w.obj before its block ends, or begin it"
                " with obj=..., which may be None"
            )
        return None if self.action == Action.DELETE else self.obj


class Writes(msgspec.Struct, eq=False):
    """The write brackets of one request: how deep they are nested, and which hooks wait for the commit.

    ``is_whole``: what was sent is all of a record, as a PUT has it. ``claims`` are members of it that clients cannot
    give: they must be as the record is shown. ``etag`` is the tag that an item of a list must have. ``items`` are those
    that are committed together. ``plan`` is what a rehearsal has in the place of a commit.
    """

    is_whole: bool = False
    claims: dict[str, Json] = {}
    depth: int = 0
    waiting: list[WriteAction] = []
    has_failed_hook: bool = False
    etag: bytes | None = None
    preferences: Preferences = NONE
    items: BulkItems | None = None
    plan: dict[str, Value] | None = None

    async def commit(self, view: Value) -> None:
        """Commit what a view has written, or rehearse it where the client prefers that: then no hooks follow."""
        acting: Session = view.acting
        if self.preferences.is_rehearsal:
            self.plan = await rehearse(acting)
            self.waiting.clear()
        elif self.items is not None:
            await view.serving.many.commit(acting, self.items)
        else:
            await acting.commit()

    def note_failed_hook(self, view: str, action: str, error: Exception) -> None:
        """Log what an after_commit raised: the write is durable, and is answered as done."""
        self.has_failed_hook = True
        _log.error("%s.after_commit failed for %s, which is committed", view, action, exc_info=error)


def snapshot(obj: object) -> dict[str, Value] | None:
    """Return the values that a record has for its stored fields, by name; None of what is no record.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> snapshot(Book(id=1))
    {'id': 1}
    """
    if not isinstance(obj, Model):
        return None
    return {item.name: item.get(obj) for item in type(obj).__holdall__.stored}
