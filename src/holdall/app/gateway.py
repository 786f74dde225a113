"""The way from a model to a session, for the active-record look: ``Book.objects`` and ``book.save()``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from weakref import WeakSet

import msgspec

from holdall.app.application import Sessions
from holdall.errors import StateError
from holdall.model import Model
from holdall.session import CommitResult, Session

__all__ = ["ModelGateway"]


class ModelGateway:
    """Gives the session to act in: the active one, else one for a single act.

    A model kept by several Holdalls needs an active session to tell which of them is meant.
    """

    def __init__(self, model: type[Model]) -> None:
        self._name = model.__name__
        self._apps: WeakSet[Sessions] = WeakSet()

    @classmethod
    def of(cls, model: type[Model]) -> ModelGateway:
        """The gateway of this model, not one it inherits."""
        gateway = model.__dict__.get("__gateway__")
        if not isinstance(gateway, ModelGateway):
            gateway = cls(model)
            type.__setattr__(model, "__gateway__", gateway)
        return gateway

    def add(self, app: Sessions) -> None:
        """One more Holdall keeps the model."""
        self._apps.add(app)

    def remove(self, app: Sessions) -> None:
        """A Holdall is closed."""
        self._apps.discard(app)

    def __call__(self) -> AbstractAsyncContextManager[Act]:
        """One act; raises StateError where it is not clear which Holdall is meant."""
        active = [session for app in self._apps if (session := app.active_session) is not None]
        if len(active) == 1:
            return nullcontext(Act(active[0], is_alone=False))
        apps = list(self._apps)
        if active or len(apps) != 1:
            raise StateError(f"{self._name} is kept by {len(apps)} Holdalls; open a session of the one that is meant")
        return _alone(apps[0])


class Act(msgspec.Struct):
    """One act of the active-record look; ``is_alone`` if the session is there for nothing else."""

    session: Session
    is_alone: bool

    async def commit(self) -> CommitResult | None:
        """Commit a session of this act alone; the active one is committed by its block."""
        return await self.session.commit() if self.is_alone else None


@asynccontextmanager
async def _alone(app: Sessions) -> AsyncIterator[Act]:
    session = Session(app.bindings)
    with app.activated(session):
        try:
            yield Act(session, is_alone=True)
        finally:
            await session.leave()
