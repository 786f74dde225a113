"""The notes of actions that are jobs: what is to be done and for whom, and the end of each part."""

from __future__ import annotations

import datetime as dt

import msgspec

from holdall.app.jobs.notes import make_room, now
from holdall.model import JSON, Model, field
from holdall.policy import Everyone, Nobody, Policy
from holdall.query import Value
from holdall.session import Binding, Bindings
from holdall.store import Store

__all__ = ["ActionNotes"]

_JOBS, _PARTS = "holdall_action_jobs", "holdall_action_parts"

_ADDED = Policy(read=Nobody, create=Everyone, update=Nobody, delete=Nobody)
"""Notes are added within the commits of users, and changed by the application alone."""


class ActionNotes(msgspec.Struct, frozen=True):
    """The models of jobs and of parts that are done, and the store that has them."""

    store: Store
    job: Value
    part: Value

    @classmethod
    def of(cls, bindings: Bindings, store: Store) -> ActionNotes:
        """Those of an application, kept in this store unless they are elsewhere already."""
        known = {binding.collection: binding for binding in bindings}
        if _JOBS not in known:
            for model, name in zip(_models(), (_JOBS, _PARTS), strict=True):
                bindings.add(Binding(model, store, _ADDED, name))
            bindings.configure()
            known = {binding.collection: binding for binding in bindings}
        return cls(known[_JOBS].store, known[_JOBS].model, known[_PARTS].model)

    async def create(self, bindings: Bindings) -> None:
        """Make the place of the notes, if there is none."""
        await make_room(bindings, self.store)


def _models() -> tuple[Value, Value]:
    class ActionJob(Model, collection=_JOBS):
        id: str = field(pk=True, length=(1, 40))
        collection: str = field(length=(1, 120))
        action: str = field(length=(1, 120))
        inputs: str = ""  # as JSON, until it is over
        keys: JSON = field(default_factory=list)  # of the records it is done on, as texts
        user: JSON = field(default_factory=dict)
        state: str = field(default="running", index=True)
        reason: str = ""
        begun: int = -1  # the part that was begun last
        owner: str = ""
        until: dt.datetime = field(default_factory=now)
        created_at: dt.datetime = field(default_factory=now, index=True)
        version: int = field(version=True)

    class ActionPart(Model, collection=_PARTS):
        id: str = field(pk=True, length=(1, 64))
        job: str = field(length=(1, 40), index=True)
        seen: int = 0
        failures: JSON = field(default_factory=list)
        results: JSON = field(default_factory=list)
        is_told: bool = True  # False until records that are results have keys

    return ActionJob, ActionPart
