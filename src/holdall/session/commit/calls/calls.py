"""One step of single calls, each record by itself, as soon as what it needs is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from holdall.errors import HoldallError, StoreError, StoreTimeout, StoreUnavailable
from holdall.query import Value
from holdall.session.commit.calls.freeing import freeing, freeing_needs
from holdall.session.commit.calls.group_calls import group_calls
from holdall.session.commit.calls.needs import Write, removal_needs, write_needs
from holdall.session.commit.calls.ready_set import ReadySet, Strategy
from holdall.session.commit.calls.repetition import Repetition
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.outcome.acceptance import put_key
from holdall.session.commit.outcome.tasks import Report, Span
from holdall.session.commit.plan.changes import resolved_value
from holdall.session.commit.plan.plan import Batch, Step
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.turns import Turns
from holdall.store import Change, Outcome, Runs, Store, Verb

__all__ = ["Calls"]

_NEVER: Span = (0.0, 0.0)


class Calls:
    """The calls of one step; ``token`` names a call by its place, wherever it may be sent again.

    A call whose outcome nobody can know is in ``report.unknown``: given up, or ended by an error that is no definite
    refusal.
    """

    def __init__(
        self,
        step: Step,
        changes: Runs,
        dao_records: DaoRecords,
        turns: Turns,
        token: Callable[[int], str | None] = lambda place: None,
    ) -> None:
        self._dao_records = dao_records
        self._turns = turns
        self._token = token
        self._at: list[tuple[Batch, int, tuple[Value, ...], Store]] = []
        for batch, run in zip(step.batches, changes.runs, strict=True):
            store = batch.binding.store
            self._at.extend([(batch, index, row, store) for index, row in enumerate(run.rows)])
        self._keys = [key for run in changes.runs for key in run.keys]
        self._is_linked = step.is_linked
        count = len(self._at)
        self.outcomes: list[Outcome | None] = [None] * count
        self._spans: list[Span] = [_NEVER] * count
        self.report = Report(step, self.outcomes, spans=self._spans)
        stores = list({id(store): store for _, _, _, store in self._at}.values())
        self._lane_of = {id(store): lane for lane, store in enumerate(stores)}
        self._sizes = [max(1, store.capabilities.limits.changes_per_call) for store in stores]
        self._widths = [max(1, store.capabilities.limits.concurrent_changes) for store in stores]
        self.is_stopped = False
        self._ready: ReadySet | None = None

    @property
    def failure(self) -> HoldallError | None:
        """The first refusal, if any."""
        return next((outcome.error for outcome in self.outcomes if outcome is not None and outcome.error), None)

    @property
    def applied(self) -> int:
        """How many calls had their effect for certain."""
        return sum(map(self.is_applied, range(len(self.outcomes))))

    def is_applied(self, place: int) -> bool:
        """Whether the call at this place had its effect for certain."""
        outcome = self.outcomes[place]
        return outcome is not None and outcome.error is None

    def cancel(self) -> None:
        """Start no more calls and give up those under way; ``run`` raises CancelledError once they are over."""
        self.is_stopped = True
        if self._ready is not None:
            self._ready.cancel()

    async def run(self, strategy: Strategy) -> None:
        """Make the calls: additions and changes, and with them removals that free unique values; then all others.

        Raises CancelledError where they were given up. Every call that was started is reported either way.
        """
        self.report.span = time.perf_counter(), 0.0
        try:
            writes = [place for place, at in enumerate(self._at) if at[0].verb is not Verb.REMOVE]
            removals = [place for place, at in enumerate(self._at) if at[0].verb is Verb.REMOVE]
            early = [removals[number] for number in freeing(self._writes(removals), self._writes(writes))]
            if early:
                needs = freeing_needs(self._writes(writes), self._writes(early))
                removals = [place for place in removals if place not in set(early)]
            else:
                needs = write_needs(self._writes(writes))
            if writes:
                await self._carry_out(writes + early, needs, strategy)
            if removals and (strategy is Strategy.CONTINUE_ON_ERROR or self.failure is None):
                await self._carry_out(removals, removal_needs(self._writes(removals)), strategy)
        finally:
            self.report.span = self.report.span[0], time.perf_counter() - self.report.span[0]

    def _writes(self, places: list[int]) -> list[Write]:
        return [self._at[place][:2] for place in places]

    async def _carry_out(self, places: list[int], needs: list[list[int]], strategy: Strategy) -> None:
        lanes = [self._lane_of[id(self._at[place][3])] for place in places]
        groups = [[place] for place in places]
        if max(self._sizes) > 1:
            together, needs, lanes = group_calls(needs, lanes, self._sizes)
            groups = [[places[item] for item in group] for group in together]

        if groups:
            self._ready = ReadySet(
                needs, lambda number: self._call(groups[number]), lanes=lanes, widths=self._widths, strategy=strategy
            )
            try:
                await self._ready.run()
            finally:
                self._ready = None

    async def _call(self, places: list[int]) -> bool:
        """One call for changes that do not need each other; those that cannot be sent fail by themselves."""
        if self.is_stopped:
            return False
        changes = self._sendable(places)
        if not changes:
            return False
        reached(Failpoint.CALLING)
        batch, index, _, store = self._at[places[0]]
        began, is_recordwise = time.perf_counter(), batch.binding.record_access is not None
        interruption: BaseException | None = None
        outcomes: Sequence[Outcome]
        try:
            if is_recordwise:  # one record for each call
                record = batch.records[index]
                outcomes = (await self._dao_records.write(batch.binding, batch.verb, record, batch.fields),)
            else:
                outcomes = list(await _applied(store, list(changes.values())))
                interruption = await self._repeat(changes, outcomes)
        except Exception as error:
            outcomes = [Outcome(error=_told(store, error, is_recordwise))] * len(changes)
        except BaseException as error:
            outcomes = [Outcome(error=_given_up(store, error))] * len(changes)
            if not isinstance(error, asyncio.CancelledError) or self._is_given_up():
                interruption = error
        span, is_well = (began, time.perf_counter() - began), len(changes) == len(places)
        for place, outcome in zip(changes, outcomes, strict=True):
            self._spans[place] = span
            is_well &= self._note(place, outcome)
        if interruption is not None:
            raise interruption
        return is_well

    async def _repeat(self, changes: dict[int, Change], outcomes: list[Outcome]) -> BaseException | None:
        """Make those calls again that others were faster with; returns what has ended this, if anything."""
        for number, (place, change) in enumerate(changes.items()):
            binding = self._at[place][0].binding
            if not Repetition.is_due(binding, change, outcomes[number]):
                continue
            again = Repetition(binding, self._turns, change, outcomes[number])
            try:
                await again.run(_applied)
            except Exception as error:
                if again.is_under_way:
                    again.outcome = Outcome(error=_told(binding.store, error, is_recordwise=False))
            except BaseException as error:
                if again.is_under_way:
                    again.outcome = Outcome(error=_given_up(binding.store, error))
                return error
            finally:
                outcomes[number] = again.outcome
        return None

    def _is_given_up(self) -> bool:
        """Whether the calls under way were cancelled by the commit, not by what they are made of."""
        return self._ready is not None and self._ready.is_cancelled

    def _sendable(self, places: list[int]) -> dict[int, Change]:
        """The changes at these places; one that needs a key which never came to be is noted as refused."""
        changes: dict[int, Change] = {}
        for place in places:
            try:
                changes[place] = self._change(place)
            except HoldallError as error:
                self._spans[place] = time.perf_counter(), 0.0
                self._note(place, Outcome(error=error))
        return changes

    def _note(self, place: int, outcome: Outcome) -> bool:
        """Note the outcome of a call; returns whether the call had its effect for certain."""
        batch, index, _, store = self._at[place]
        if outcome.error is None and batch.verb is Verb.ADD and batch.keys[index] is None:
            try:
                put_key(batch, index, outcome.key)
            except StoreError:  # there is something now, and nobody knows its name
                sentence = f"the answer holds no key for the new {batch.binding.collection}"
                outcome = Outcome(error=StoreUnavailable(store.name, sentence, is_outcome_unknown=True))
        self.outcomes[place] = outcome
        if outcome.error is None:
            reached(Failpoint.CALLED)
            return True
        if getattr(outcome.error, "is_outcome_unknown", False):
            self.report.unknown.add(place)
        return False

    def _change(self, place: int) -> Change:
        batch, index, row, _ = self._at[place]
        key = self._keys[place]
        if self._is_linked:
            key, row = resolved_value(key), resolved_value(row)
        version = batch.versions[index] if batch.versions is not None else None
        name, token = batch.binding.collection, self._token(place)
        return Change(batch.verb, name, key, batch.fields, row, version, token, batch.expected)


async def _applied(store: Store, changes: list[Change]) -> Sequence[Outcome]:
    outcomes = await store.apply(changes)
    if len(outcomes) != len(changes):
        raise ValueError(f"it answered {len(changes)} changes with {len(outcomes)} outcomes")
    return outcomes


def _told(store: Store, error: Exception, is_recordwise: bool) -> HoldallError:
    """The error of a call as one that tells whether it may have had its effect.

    A StoreError does by itself, and so does each of our errors from a record_access store, which has judged it already.
    """
    if isinstance(error, StoreError) or (is_recordwise and isinstance(error, HoldallError)):
        return error
    told = StoreUnavailable(store.name, f"{type(error).__name__}: {error}", is_outcome_unknown=True)
    told.__cause__ = error
    return told


def _given_up(store: Store, error: BaseException) -> HoldallError:
    """The error of a call that was cancelled, from within or without: nobody knows how far it came."""
    told = StoreTimeout(store.name, "the call was given up", is_outcome_unknown=True)
    told.__cause__ = error
    return told
