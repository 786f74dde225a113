"""One step of single calls, each record by itself, as soon as what it needs is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from holdall.errors import HoldallError, StoreError, StoreTimeout
from holdall.session.commit.changes import resolved_value
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.freeze import removal_edges
from holdall.session.commit.grouping import grouped
from holdall.session.commit.order import order_nodes
from holdall.session.commit.plan import Batch, Step
from holdall.session.commit.referred import referred
from holdall.session.commit.schedule import Strategy, carry_out
from holdall.session.commit.settle import put_key
from holdall.session.commit.tasks import Report, Span
from holdall.session.handwriting.handwritten import Handwritten
from holdall.store import Change, Outcome, Runs, Store, Verb

__all__ = ["Calls"]

_NEVER: Span = (0.0, 0.0)


class Calls:
    """The calls of one step; ``token`` names a call by its place, wherever it may be sent again."""

    def __init__(
        self,
        step: Step,
        changes: Runs,
        handwritten: Handwritten,
        token: Callable[[int], str | None] = lambda place: None,
    ) -> None:
        self._handwritten = handwritten
        self._token = token
        self._at: list[tuple[Batch, int, tuple[Any, ...], Store]] = []
        for batch, run in zip(step.batches, changes.runs, strict=True):
            store = batch.binding.store
            self._at.extend([(batch, index, row, store) for index, row in enumerate(run.rows)])
        self._keys = [key for run in changes.runs for key in run.keys]
        self._is_linked = step.is_linked
        count = len(self._at)
        self.outcomes: list[Outcome | None] = [None] * count
        self.report = Report(step, self.outcomes, spans=[_NEVER] * count)
        self._spans: list[Span] = self.report.spans  # type: ignore[assignment]
        stores = list({id(store): store for _, _, _, store in self._at}.values())
        self._lane_of = {id(store): lane for lane, store in enumerate(stores)}
        self._sizes = [max(1, store.capabilities.limits.changes_per_call) for store in stores]
        self._widths = [max(1, store.capabilities.limits.concurrent_changes) for store in stores]
        self.is_stopped = False

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

    async def run(self, strategy: Strategy) -> None:
        """Make the calls: additions and changes first, removals once these are done."""
        self.report.span = time.perf_counter(), 0.0
        try:
            writes = [place for place, at in enumerate(self._at) if at[0].verb is not Verb.REMOVE]
            await self._carry_out(writes, self._needs_of(writes), strategy)
            if strategy is Strategy.CONTINUE_ON_ERROR or self.failure is None:
                removals = [place for place, at in enumerate(self._at) if at[0].verb is Verb.REMOVE]
                await self._carry_out(removals, self._removal_needs(removals), strategy)
        finally:
            self.report.span = self.report.span[0], time.perf_counter() - self.report.span[0]

    async def _carry_out(self, places: list[int], needs: list[list[int]], strategy: Strategy) -> None:
        lanes = [self._lane_of[id(self._at[place][3])] for place in places]
        if max(self._sizes) == 1:

            async def perform(number: int) -> bool:
                return await self._call(places[number])

            await carry_out(needs, perform, lanes=lanes, widths=self._widths, strategy=strategy)
            return
        groups, needs, lanes = grouped(needs, lanes, self._sizes)

        async def perform_all(number: int) -> bool:
            return await self._call_together([places[item] for item in groups[number]])

        await carry_out(needs, perform_all, lanes=lanes, widths=self._widths, strategy=strategy)

    async def _call(self, place: int) -> bool:
        batch, index, row, store = self._at[place]
        if self.is_stopped:
            return False
        reached(Failpoint.CALLING)
        began = time.perf_counter()
        try:
            change = self._change(place, batch, index, row)
            if batch.binding.recordwise is not None:
                outcome = await self._handwritten.write(batch.binding, batch.verb, batch.records[index])
            else:
                (outcome,) = await store.apply((change,))
        except Exception as error:
            outcome = Outcome(error=_ours(store, error))
        except BaseException:  # cancelled: nobody knows how far it came
            self._lost([place], began)
            raise
        self._spans[place] = began, time.perf_counter() - began
        return self._note(place, outcome)

    async def _call_together(self, places: list[int]) -> bool:
        """One call for changes that do not need each other; those that cannot be sent fail by themselves."""
        if self.is_stopped:
            return False
        changes: dict[int, Change] = {}
        began = time.perf_counter()
        for place in places:
            batch, index, row, store = self._at[place]
            try:
                changes[place] = self._change(place, batch, index, row)
            except HoldallError as error:
                self._note(place, Outcome(error=error))
        if not changes:
            return False
        reached(Failpoint.CALLING)
        try:
            outcomes = await store.apply(list(changes.values()))
        except Exception as error:
            outcomes = [Outcome(error=_ours(store, error))] * len(changes)
        except BaseException:
            self._lost(list(changes), began)
            raise
        span = began, time.perf_counter() - began
        for place, outcome in zip(changes, outcomes, strict=True):
            self._spans[place] = span
            self._note(place, outcome)
        return all(map(self.is_applied, places))

    def _note(self, place: int, outcome: Outcome) -> bool:
        batch, index, _, _ = self._at[place]
        self.outcomes[place] = outcome
        if outcome.error is not None:
            if getattr(outcome.error, "is_outcome_unknown", False):
                self.report.unknown.add(place)
            return False
        if batch.verb is Verb.ADD and batch.keys[index] is None:
            put_key(batch, index, outcome.key)
        reached(Failpoint.CALLED)
        return True

    def _lost(self, places: list[int], began: float) -> None:
        for place in places:
            name = self._at[place][3].name
            error = StoreTimeout(name, "the call was given up", is_outcome_unknown=True)
            self.outcomes[place] = Outcome(error=error)
            self.report.unknown.add(place)
            self._spans[place] = began, time.perf_counter() - began

    def _change(self, place: int, batch: Batch, index: int, row: tuple[Any, ...]) -> Change:
        key = self._keys[place]
        if self._is_linked:
            key, row = resolved_value(key), resolved_value(row)
        version = batch.versions[index] if batch.versions is not None else None
        return Change(batch.verb, batch.binding.collection, key, batch.fields, row, version, self._token(place))

    # --- what needs what --------------------------------------------------------------------------------------------

    def _needs_of(self, places: list[int]) -> list[list[int]]:
        if not self._is_linked:
            return [[] for _ in places]
        adders = {
            id(at[0].records[at[1]]): number
            for number, place in enumerate(places)
            if (at := self._at[place])[0].verb is Verb.ADD
        }
        needs: list[list[int]] = []
        names = {id(at[0]): _referring_fields(at[0]) for at in self._at}
        for number, place in enumerate(places):
            batch, index, _, _ = self._at[place]
            record = batch.records[index]
            found = {adders.get(id(record))} if batch.verb is Verb.UPDATE else set()
            for field in names[id(batch)]:
                found.update(adders.get(id(target)) for target in referred(field, record))
            needs.append([other for other in found if other is not None and other != number])
        return needs

    def _removal_needs(self, places: list[int]) -> list[list[int]]:
        records = [self._at[place][0].records[self._at[place][1]] for place in places]
        edges = removal_edges(records)
        left_out = set(order_nodes(len(records), edges).waiting) if edges else set()
        needs: list[list[int]] = [[] for _ in places]
        for edge in edges:
            if edge not in left_out:
                needs[edge.source].append(edge.target)
        return needs


def _referring_fields(batch: Batch) -> list[Any]:
    sent = set(batch.fields)
    return [field for field in batch.binding.declaration.references if field.name in sent]


def _ours(store: Store, error: Exception) -> HoldallError:
    """The error of hand-written code as one of ours, which an outcome can carry."""
    if isinstance(error, HoldallError):
        return error
    ours = StoreError(store.name, f"{type(error).__name__}: {error}")
    ours.__cause__ = error
    return ours
