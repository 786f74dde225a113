"""Steps: everything an actor asks a store to do waits here until the scheduler lets it happen, and says how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from holdall.errors import HoldallError, StoreTimeout, StoreUnavailable
from holdall.store import Change
from tests.session.interleaving.virtual_loop import ACTOR, Actor, VirtualLoop

if TYPE_CHECKING:
    from tests.session.interleaving.stepped_stores import OpenTransaction, SteppedStore

__all__ = ["Fate", "Op", "Step", "Steps"]

_SLOW = 6.0  # seconds; longer than a lease of these worlds, shorter than a timeout
_DOWN = 25.0  # seconds; longer than a timeout


class Op(StrEnum):
    """What a store is asked to do."""

    FETCH = "fetch"
    APPLY = "apply"
    PREPARE = "prepare"
    COMMIT_PREPARED = "commit_prepared"
    ROLL_BACK_PREPARED = "roll_back_prepared"
    RENEW_PREPARED = "renew_prepared"
    PREPARED = "prepared"
    BEGIN = "begin"
    WRITE = "write"
    COMMIT = "commit"
    ROLL_BACK = "roll back"

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self in (Op.FETCH, Op.PREPARED)

    @property
    def is_inside(self) -> bool:
        """Whether it goes over the connection of an open transaction, which the database ends with the connection."""
        return self in (Op.BEGIN, Op.WRITE, Op.ROLL_BACK)


class Fate(StrEnum):
    """How a step ends. Only GO is what everybody wishes for."""

    GO = "go"
    DIE = "die after it"
    GHOST = "die, and it happens later"
    LOST = "its answer is lost"
    LATE = "no answer in time, and it happens later"
    AWAY = "the store is away"
    DOWN = "the store goes away for longer than a timeout"
    SLOW = "its answer takes longer than a lease"


class Step:
    """One request on its way."""

    def __init__(
        self,
        store: SteppedStore,
        op: Op,
        effect: Callable[[], Coroutine[Any, Any, Any]],
        future: asyncio.Future[Any],
        *,
        changes: Sequence[Change] = (),
        subject: str = "",
        transaction: OpenTransaction | None = None,
    ) -> None:
        self.actor: Actor = ACTOR.get()
        self.context: Context = copy_context()
        self.store = store
        self.op = op
        self.effect = effect
        self.future = future
        self.changes = changes
        self.subject = subject
        self.transaction = transaction
        self.is_ghost = False

    def __str__(self) -> str:
        about = self.subject or ",".join(f"{change.verb.value} {change.collection}" for change in self.changes)
        return f"{self.actor.name}: {self.store.name}.{self.op.value}{f'({about})' if about else ''}"

    @property
    def is_enabled(self) -> bool:
        """Whether the store would do it now; a writer waits for the end of another's open transaction."""
        if self.op.is_read:
            return True
        holder = self.store.open_transaction
        return holder is None or holder is self.transaction

    @property
    def fates(self) -> list[Fate]:
        """How it may end otherwise than well."""
        if self.is_ghost or self.op.is_read:
            return []
        if self.op.is_inside:
            return [Fate.DIE, Fate.AWAY, Fate.DOWN]
        return [Fate.DIE, Fate.GHOST, Fate.LOST, Fate.LATE, Fate.AWAY, Fate.DOWN, Fate.SLOW]


class Observer(Protocol):
    """Whoever is told of everything that stores do."""

    def before(self, step: Step) -> None:
        """The step is about to happen."""

    def after(self, step: Step, result: Any, error: HoldallError | None) -> None:
        """It has happened, or was refused."""


class Steps:
    """The steps of all actors that wait to be made, in the order in which they were asked for."""

    def __init__(self, loop: VirtualLoop, observer: Observer) -> None:
        self.loop = loop
        self.observer = observer
        self.pending: list[Step] = []
        self.is_over = False
        self.on_death: Callable[[Actor], None] = lambda actor: None

    async def ask(
        self,
        store: SteppedStore,
        op: Op,
        effect: Callable[[], Coroutine[Any, Any, Any]],
        *,
        changes: Sequence[Change] = (),
        subject: str = "",
        transaction: OpenTransaction | None = None,
    ) -> Any:
        """The store's answer, once the scheduler has let it happen."""
        if self.is_over:
            raise asyncio.CancelledError
        future = self.loop.create_future()
        self.pending.append(Step(store, op, effect, future, changes=changes, subject=subject, transaction=transaction))
        return await future

    def tidy(self) -> None:
        """What nobody waits for any more happens later, as a request that is on its way; not inside a transaction."""
        for step in list(self.pending):
            if step.future.cancelled() and not step.is_ghost:
                if step.op.is_inside or step.op.is_read:
                    self.pending.remove(step)
                    if step.op is Op.BEGIN and step.transaction is not None:
                        step.transaction.is_over = True
                else:
                    step.is_ghost = True

    def make(self, step: Step, fate: Fate = Fate.GO) -> None:
        """Let it happen, or not, and let its actor know, or not."""
        if fate in (Fate.GHOST, Fate.LATE):
            step.is_ghost = True
            if fate is Fate.GHOST:
                self.kill(step.actor, sent=step)
            else:
                self._answer(step, None, StoreTimeout(step.store.name, "no answer in time", is_outcome_unknown=True))
            return
        self.pending.remove(step)
        if fate is Fate.DOWN:
            step.store.away_until = self.loop.time() + _DOWN
        if fate in (Fate.AWAY, Fate.DOWN) or step.store.away_until > self.loop.time():
            self._turn_away(step)
            return
        result, error = self._happen(step)
        match fate:
            case Fate.DIE:
                self.kill(step.actor)
            case Fate.LOST if error is None:
                self._answer(
                    step, None, StoreUnavailable(step.store.name, "its answer was lost", is_outcome_unknown=True)
                )
            case Fate.SLOW:
                self.loop.call_later(_SLOW, self._answer, step, result, error, context=step.context)
            case _:
                if not step.is_ghost:
                    self._answer(step, result, error)
                elif step.actor.is_dead:
                    self.on_death(step.actor)

    def kill(self, actor: Actor, sent: Step | None = None) -> None:
        """The actor is no more; of what it has asked for only what was sent already happens."""
        actor.is_dead = True
        self.pending = [step for step in self.pending if step.actor is not actor or step is sent or step.is_ghost]
        self.on_death(actor)

    def _turn_away(self, step: Step) -> None:
        if step.transaction is not None:
            step.transaction.lose()
        self._answer(step, None, StoreUnavailable(step.store.name, "it is away"))
        if step.actor.is_dead:
            self.on_death(step.actor)

    def _happen(self, step: Step) -> tuple[Any, HoldallError | None]:
        self.observer.before(step)
        result, error = None, None
        effect = step.effect()
        try:
            effect.send(None)
        except StopIteration as end:
            result = end.value
        except HoldallError as refusal:
            error = refusal
        else:
            raise AssertionError(f"a store waited within one step: {step}")
        self.observer.after(step, result, error)
        return result, error

    @staticmethod
    def _answer(step: Step, result: Any, error: HoldallError | None) -> None:
        if step.future.done():
            return
        if error is None:
            step.future.set_result(result)
        else:
            step.future.set_exception(error)
