"""One schedule: what is chosen at each step, carried out over the real code, and looked at in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextvars import copy_context
from random import Random
from typing import Any

import msgspec

from holdall.session import Recovery
from holdall.session.commit.failpoint import Failpoint, arm
from tests.session.interleaving.accounts import Role
from tests.session.interleaving.choosing import Choice, Kind, Limits, choices
from tests.session.interleaving.moves import Move, UnknownMove, fate_of
from tests.session.interleaving.processes import Processes
from tests.session.interleaving.stepping import Fate, Op, Step, Steps
from tests.session.interleaving.verdict import Verdict
from tests.session.interleaving.virtual_loop import ACTOR, BEGIN, Actor, VirtualLoop, start
from tests.session.interleaving.watching import Violation, Watch
from tests.session.interleaving.worlds import LEASE, World

__all__ = ["Deviation", "Run", "Runner"]

_MOST_STEPS = 1500
_LONG = 25 * 3600.0  # seconds; longer than tombstones and markers stand

Deviation = tuple[int, int]
"""At this choice, take this alternative; everywhere else the first is taken."""


class Run(msgspec.Struct):
    """What came of a schedule. ``widths`` are the numbers of alternatives at each choice."""

    deviations: tuple[Deviation, ...]
    widths: list[int]
    trace: list[str]
    moves: set[Move]
    failpoints: set[Failpoint]
    told: dict[str, str]
    violation: str = ""

    def __str__(self) -> str:
        told = ", ".join(f"{name}: {end}" for name, end in self.told.items())
        return "\n".join([f"replay with {self.deviations}", *self.trace, f"told: {told}", self.violation])


class Runner:
    """Runs schedules of one world, one after the other, in one set of patches."""

    def __init__(self, world: World, processes: Processes) -> None:
        self.world = world
        self.processes = processes

    def run(self, deviations: Sequence[Deviation] = (), random: Random | None = None, calm: float = 0.9) -> Run:
        """Run one. With ``random``, further deviations are drawn: none at ``calm`` of the choices."""
        one = _One(self.world, self.processes, dict(deviations), random, calm)
        try:
            one.play()
        finally:
            asyncio._set_running_loop(None)
            arm(None)
        return one.run


class _One:
    def __init__(
        self, world: World, processes: Processes, wanted: dict[int, int], random: Random | None, calm: float
    ) -> None:
        self.world, self.processes = world, processes
        self.wanted, self.random, self.calm = wanted, random, calm
        self.run = Run((), [], [], set(), set(), {})
        self.loop = VirtualLoop()
        self.watch = Watch(may_take_back=world.scenario.weak)
        self.steps = Steps(self.loop, self.watch)
        self.steps.on_death = self._lose_transactions
        self.limits = Limits(deaths=2, troubles=3, stalls=2) if world.scenario.harsh else Limits()
        self.actors = [Actor(role.name, number) for number, role in enumerate(world.scenario.roles, 100)]
        self.last = Actor("last", 200)
        self.verdict = Verdict(world, self.watch, self.actors)
        self.stood_still = False
        self.waited = False
        self.current: Actor = self.actors[0]
        self.chosen: list[Deviation] = []

    # --- the whole ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Run, and leave what came of it."""
        asyncio._set_running_loop(self.loop.loop)
        arm(self._reached)
        try:
            self._prepare()
            self._explore()
            self._finish()
        except (Violation, UnknownMove) as violation:
            self.run.violation = f"{type(violation).__name__}: {violation}"
        finally:
            self.run.deviations = tuple(self.chosen)
            self.run.moves.update(self.watch.moves)
            self.steps.is_over = True
            arm(None)
            self.loop.end()

    def _prepare(self) -> None:
        actors, sees_death = [*self.actors, self.last], self.world.scenario.sees_death
        self.processes.begin(actors, self.watch.owners, self.world.journal, sees_death=sees_death)
        self.world.restart(self.steps)
        for actor, role in zip(self.actors, self.world.scenario.roles, strict=True):
            start(self.loop, actor, self._play(actor, role), copy_context())

    async def _play(self, actor: Actor, role: Role) -> None:
        self.run.told[actor.name] = "died"
        self.run.told[actor.name] = await self.world.play(role)

    def _reached(self, point: Failpoint) -> None:
        self.run.failpoints.add(point)
        actor = ACTOR.get()
        role = next((role for role in self.world.scenario.roles if role.name == actor.name), None)
        if role is not None and role.dies_at is point and not actor.is_dead:
            self.run.trace.append(f"{actor}: dies at {point.value!r}")
            self.watch.moves[Move.DIE] += 1
            self.limits.deaths -= 1
            self.steps.kill(actor)

    # --- choosing -----------------------------------------------------------------------------------------------------

    def _explore(self) -> None:
        for _ in range(_MOST_STEPS):
            self._settle()
            enabled = self._enabled()
            if not enabled:
                if not self._wait():
                    return
                continue
            self._take(self._choose(enabled))
        raise Violation(f"it goes on after {_MOST_STEPS} steps")

    def _settle(self) -> None:
        self.processes.time = self.loop.time()
        self.loop.settle()
        self.steps.tidy()
        if self.loop.troubles:
            raise Violation(f"nobody handles {self.loop.troubles[0]}")

    def _enabled(self) -> list[Step]:
        """Steps that can be made now: of the actor that moved last first, then round; what the dead have sent last."""
        numbers = {actor: place for place, actor in enumerate([*self.actors, self.last])}
        count, mine = len(numbers), numbers[self.current]
        enabled = [step for step in self.steps.pending if step.is_enabled]
        enabled.sort(key=lambda step: (step.is_ghost, (numbers[step.actor] - mine) % count))
        return enabled

    def _wait(self) -> bool:
        """Let time go on to the next timer; whether there was one."""
        due = self.loop.next_timer()
        if due is None:
            waiting = [step for step in self.steps.pending if not step.actor.is_dead]
            if waiting:
                raise Violation(f"nothing can move: {waiting[0]}")
            return False
        self._advance(due)
        return True

    def _advance(self, to: float) -> None:
        self.processes.time = max(to, self.loop.time())
        self.loop.advance(to)

    def _choose(self, enabled: list[Step]) -> Choice:
        found = choices(enabled, self.limits, has_timer=self.loop.next_timer() is not None)
        place = len(self.run.widths)
        self.run.widths.append(len(found))
        index = self.wanted.get(place, 0)
        if self.random is not None and place not in self.wanted and self.random.random() > self.calm:
            index = self.random.randrange(len(found))
        index = index if index < len(found) else 0
        if index:
            self.chosen.append((place, index))
        return found[index]

    def _take(self, choice: Choice) -> None:
        self.limits.note(choice)
        self.run.trace.append(f"{self.loop.time():7.2f} {choice}")
        match choice.kind:
            case Kind.WAIT:
                self.waited = True
                self.watch.moves[Move.WAIT] += 1
                self._wait()
            case Kind.STAND_STILL:
                self.watch.moves[Move.STAND_STILL] += 1
                self.stood_still = self.waited = True
                self._advance(self.loop.time() + LEASE + 2.0)
            case Kind.STEP:
                assert choice.step is not None
                move = fate_of(choice.fate)
                if move is not None:
                    self.watch.moves[move] += 1
                if choice.fate is Fate.SLOW and choice.step.op is Op.RENEW_PREPARED:
                    self.stood_still = True  # as far as others can see
                if not choice.step.is_ghost:
                    self.current = choice.step.actor
                self.steps.make(choice.step, choice.fate)

    def _lose_transactions(self, actor: Actor) -> None:
        """The databases roll back what a dead actor has open, but for what it has sent already."""
        sent = {step.transaction for step in self.steps.pending if step.actor is actor}
        for store in self.world.stores:
            transaction = store.open_transaction
            if transaction is not None and transaction.actor is actor and transaction not in sent:
                self.watch.moves[Move.ROLL_BACK] += 1
                transaction.lose()

    # --- the end ------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Whoever lives has ended; now a helper comes, at once where the dead are seen, and after a lease."""
        self._demand_soon()
        for actor in self.actors:
            if not actor.is_dead and actor.task is not None:
                actor.task.result()
        self._advance(max(store.away_until for store in self.world.stores))
        if self.world.scenario.sees_death and self.limits.is_calm and not self.waited:
            self._recover()
            self.verdict.demand_nothing_of_the_dead()
        for _ in range(3):
            if self.verdict.is_anything_left:
                self._advance(self.loop.time() + LEASE + 2.0)
                self._recover()
        if self.processes.errors:
            raise Violation(f"it was logged: {self.processes.errors[0]}")
        self.verdict.demand_whole(self.run.told, stood_still=self.stood_still or self.world.scenario.harsh)
        if self.verdict.old():
            self._sweep()

    def _demand_soon(self) -> None:
        """Stores that answer at once make nobody wait for a lease: not the living, and not the dead who are seen."""
        is_calm = self.limits.is_calm and not self.waited and self.world.scenario.sees_death
        taken = self.loop.time() - BEGIN
        if is_calm and taken > LEASE:
            raise Violation(f"it took {taken:.1f} seconds, although every store has answered at once")

    def _sweep(self) -> None:
        """After long enough, not even tombstones and markers are left."""
        self._advance(self.loop.time() + _LONG)
        self._recover()
        self._run_to_end(Recovery(self.world.apps["last"].bindings).sweep())
        if self.verdict.old():
            raise Violation(f"kept for ever: {self.verdict.old()[0]}")

    def _recover(self) -> None:
        self.run.trace.append(f"{self.loop.time():7.2f} recovery")
        self._run_to_end(Recovery(self.world.apps["last"].bindings).run())

    def _run_to_end(self, work: Coroutine[Any, Any, object]) -> None:
        start(self.loop, self.last, work, copy_context())
        assert self.last.task is not None
        for _ in range(_MOST_STEPS):
            self._settle()
            enabled = self._enabled()
            if enabled:
                self.run.trace.append(f"{self.loop.time():7.2f} {enabled[0]}")
                self.steps.make(enabled[0])
            elif not self._wait():
                break
        self.last.task.result()
