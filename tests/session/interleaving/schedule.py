"""One schedule: what is chosen at each step, carried out over the real code, and looked at in the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import copy_context
from enum import StrEnum
from random import Random

import msgspec

from holdall.session import Recovery
from holdall.session.commit.failpoint import Failpoint, arm
from holdall.session.journal.journal import Journal
from holdall.session.journal.row import JournalRow, JournalState, read_row
from holdall.session.journal.schema import JOURNAL, MARKER

from .moves import Move, UnknownMove, fate_of
from .processes import Processes
from .stepped_stores import SteppedStore
from .stepping import Fate, Step, Steps
from .virtual_loop import ACTOR, BEGIN, Actor, VirtualLoop, start
from .watching import Violation, Watch
from .worlds import LEASE, OPENING, Account, Jar, Purse, World

__all__ = ["Deviation", "Run", "Runner"]

_MOST_STEPS = 1500
_HOUR = 3700.0  # seconds; longer than a tombstone stands


class Kind(StrEnum):
    """What can be chosen."""

    STEP = "step"
    WAIT = "wait"
    STAND_STILL = "stand still"


class Choice(msgspec.Struct, frozen=True):
    """One of the things that can happen next."""

    kind: Kind
    step: Step | None = None
    fate: Fate = Fate.GO

    def __str__(self) -> str:
        if self.step is None:
            return self.kind.value
        return f"{self.step}{'' if self.fate is Fate.GO else f' - {self.fate.value}'}"


Deviation = tuple[int, int]
"""At this choice, take this alternative; everywhere else the first is taken."""


class Limits(msgspec.Struct):
    """How much more may go wrong in this schedule."""

    deaths: int = 1
    troubles: int = 1
    stalls: int = 1

    def allow(self, fate: Fate) -> bool:
        """Whether a step may end so."""
        return self.deaths > 0 if fate in (Fate.DIE, Fate.GHOST) else self.troubles > 0

    def note(self, choice: Choice) -> None:
        """Take account of a choice."""
        if choice.kind is Kind.STAND_STILL:
            self.stalls -= 1
        elif choice.fate in (Fate.DIE, Fate.GHOST):
            self.deaths -= 1
        elif choice.fate is not Fate.GO:
            self.troubles -= 1


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
        self.limits = Limits()
        self.actors = [Actor(role.name, number) for number, role in enumerate(world.scenario.roles, 100)]
        self.last = Actor("last", 200)
        self.stands_still = False
        self.waited = False
        self.current: Actor = self.actors[0]
        self.chosen: list[Deviation] = []

    # --- the whole ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Run, and leave what came of it."""
        trouble = _Trouble()
        logger = logging.getLogger("holdall")
        logger.addHandler(trouble)
        asyncio._set_running_loop(self.loop.loop)
        arm(self._reached)
        try:
            self._prepare()
            self._explore()
            self._finish()
            self._demand(trouble)
        except (Violation, UnknownMove) as violation:
            self.run.violation = f"{type(violation).__name__}: {violation}"
        finally:
            logger.removeHandler(trouble)
            self.run.deviations = tuple(self.chosen)
            self.run.moves.update(self.watch.moves)
            self.steps.is_over = True
            arm(None)
            self.loop.end()

    def _prepare(self) -> None:
        world = self.world
        self.processes.begin(
            [*self.actors, self.last], self.watch.owners, world.journal, sees_death=world.scenario.sees_death
        )
        for store in world.stores:
            store.restart(self.steps)
        for app in world.apps.values():
            app.bindings.journal = Journal(app.name, app.bindings.stores, "shared:", LEASE)
        _fill(world)
        for actor, role in zip(self.actors, world.scenario.roles, strict=True):
            start(self.loop, actor, self._play(actor, world, role), copy_context())

    async def _play(self, actor: Actor, world: World, role: object) -> None:
        self.run.told[actor.name] = "died"
        self.run.told[actor.name] = await world.play(role)  # type: ignore[arg-type]

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
        choices = [Choice(Kind.STEP, step) for step in enabled]
        choices += [Choice(Kind.STEP, step, fate) for step in enabled for fate in step.fates if self.limits.allow(fate)]
        if self.loop.next_timer() is not None:
            choices.append(Choice(Kind.WAIT))
            if self.limits.stalls > 0:
                choices.append(Choice(Kind.STAND_STILL))
        place = len(self.run.widths)
        self.run.widths.append(len(choices))
        index = self.wanted.get(place, 0)
        if self.random is not None and place not in self.wanted and self.random.random() > self.calm:
            index = self.random.randrange(len(choices))
        index = index if index < len(choices) else 0
        if index:
            self.chosen.append((place, index))
        return choices[index]

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
                self.stands_still = self.waited = True
                self._advance(self.loop.time() + LEASE + 2.0)
            case Kind.STEP:
                assert choice.step is not None
                move = fate_of(choice.fate)
                if move is not None:
                    self.watch.moves[move] += 1
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
        if self.world.scenario.sees_death and self.limits.troubles > 0:
            self._recover()
            self._demand_nothing_of_the_dead()
        for _ in range(3):
            if not self._is_anything_left():
                break
            self._advance(self.loop.time() + LEASE + 2.0)
            self._recover()

    def _recover(self) -> None:
        recovery = Recovery(self.world.apps["last"].bindings)
        self.run.trace.append(f"{self.loop.time():7.2f} recovery")
        self._run_to_end(recovery.run())

    def _run_to_end(self, work: object) -> None:
        start(self.loop, self.last, work, copy_context())  # type: ignore[arg-type]
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

    def _is_anything_left(self) -> bool:
        world = self.world
        return any(store.held() for store in world.stores) or any(
            row.state is not JournalState.LISTED for row in self._rows()
        )

    def _rows(self) -> list[JournalRow]:
        rows = [read_row(values) for store in self.world.journals for values in store.rows(JOURNAL.name)]
        return [row for row in rows if row.state not in (JournalState.HOME, JournalState.ABORTED)]

    def _demand_soon(self) -> None:
        """Stores that answer at once make nobody wait for a lease: not the living, and not the dead who are seen."""
        is_calm = self.limits.troubles > 0 and not self.waited and self.world.scenario.sees_death
        if is_calm and self.loop.time() > BEGIN + LEASE:
            raise Violation(
                f"it took {self.loop.time() - BEGIN:.1f} seconds, although every store has answered at once"
            )

    def _demand_nothing_of_the_dead(self) -> None:
        for store in self.world.stores:
            for reservation in store.held():
                owner = self.watch.owners[reservation.commit]
                if owner.is_dead:
                    raise Violation(f"{store.name} still holds {reservation.commit} of a dead process after one help")

    def _demand(self, trouble: _Trouble) -> None:
        if trouble.found:
            raise Violation(f"it was logged: {trouble.found[0]}")
        if self._is_anything_left():
            left = [str(row) for row in self._rows()] + [str(store.held()) for store in self.world.stores]
            raise Violation(f"left behind: {left}")
        self.watch.demand_whole()
        for actor in self.actors:
            if not actor.is_dead:
                self.watch.demand_told(actor, self.run.told[actor.name])
        self._demand_lives()
        self._demand_amounts()
        self._demand_swept()

    def _demand_lives(self) -> None:
        """Nobody who lives and moves is taken for abandoned."""
        if self.watch.buried_alive and not self.stands_still:
            raise Violation(f"{self.watch.buried_alive[0]} was given up by others, and its owner was alive")

    def _demand_amounts(self) -> None:
        if self.watch.listed:
            return
        flag, sign = self.world.main.row("flag", 1), self.world.side.row("sign", 1)
        if flag != sign:
            raise Violation(f"flag and sign differ: {flag}, {sign}")
        added: dict[tuple[str, object], int] = {}
        for actor, role in zip(self.actors, self.world.scenario.roles, strict=True):
            times = self.watch.alone[actor] if role.is_alone else self._times(actor)
            for collection, key, by in role.adds:
                added[collection, key] = added.get((collection, key), 0) + by * times
        for (collection, key), by in added.items():
            begun = OPENING[collection] if key in (1, 2, "a", "b", "j") else 0
            if self.world.amount(collection, key) != begun + by:
                raise Violation(f"{collection} {key} has {self.world.amount(collection, key)}, not {begun + by}")

    def _times(self, actor: Actor) -> int:
        return sum(
            owner is actor and not commit.startswith("undo")
            for commit, owner in self.watch.owners.items()
            if commit in self.watch.decided - self.watch.taken_back
        )

    def _demand_swept(self) -> None:
        """After long enough, not even tombstones and markers are left."""
        if not any(self._old(store) for store in self.world.stores):
            return
        self._advance(self.loop.time() + _HOUR * 25)
        self._recover()
        self._run_to_end(Recovery(self.world.apps["last"].bindings).sweep())
        for store in self.world.stores:
            left = self._old(store)
            if left:
                raise Violation(f"{store.name} keeps {left[0]} for ever")

    @staticmethod
    def _old(store: SteppedStore) -> list[str]:
        """The ids of what is left in a store's journal, and of its markers."""
        rows = [read_row(values) for values in store.rows(JOURNAL.name)]
        left = [row.id for row in rows if row.state not in (JournalState.HOME, JournalState.LISTED)]
        return left + [str(row[0]) for row in store.rows(MARKER.name)]


class _Trouble(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.getMessage()} {record.exc_info and record.exc_info[1]!r}")


def _fill(world: World) -> None:
    """Put the records there that a schedule begins with."""
    tables = {name: store._data.tables for name, store in world.holders.items()}
    for key in (1, 2):
        tables["main"]["account"].add(key, _row(Account, id=key, amount=OPENING["account"], version=1), 0)
    for code in ("a", "b"):
        tables["side"]["purse"].add(code, _row(Purse, code=code, amount=OPENING["purse"], version=1), 0)
    tables["main"]["flag"].add(1, (1, 0), 0)
    tables["side"]["sign"].add(1, (1, 0), 0)
    if "third" in tables:
        tables["third"]["jar"].add("j", _row(Jar, code="j", amount=OPENING["jar"], version=1), 0)


def _row(model: type, **values: object) -> tuple[object, ...]:
    names = [field.name for field in model.__holdall__.stored]  # type: ignore[attr-defined]
    return tuple([values.get(name) for name in names])
