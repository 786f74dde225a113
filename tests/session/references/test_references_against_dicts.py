"""References of every kind, wherever their ends live, against plain dicts."""

from __future__ import annotations

import asyncio
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from holdall import Holdall, Session
from holdall.errors import CommitAborted, ValidationError
from tests.support.every_reference import FRONTS, LAYOUTS, MANY, MODELS, REQUIRED, SINGLE, STORED, Oracle, Refused, club

pytestmark = pytest.mark.early

KEYS = st.integers(1, 4)


class ReferenceMachine(RuleBasedStateMachine):
    """Each rule is one session with a few edits and a commit."""

    layout = "together"
    commits = 0
    refusals = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.app: Holdall = club(self.layout, self.folder.name)
        self.oracle = Oracle()

    @initialize()
    def open(self) -> None:
        self.runner.run(self._fill())

    async def _fill(self) -> None:
        """Two of everything, so that there is something to refer to."""
        await self.app.create()
        session = Session(self.app.bindings)
        for model in MODELS:
            for key in (1, 2):
                row: dict[str, Any] = {
                    name: [] if (source, name) in MANY else None for source, name in FRONTS if source is model
                }
                row |= {name: key for source, name in REQUIRED if source is model}
                self.oracle.now[model][key] = row
                session.add(model(id=key, **row))
        await session.commit()
        self.oracle.commit()

    def teardown(self) -> None:
        self.runner.run(self.app.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(data=st.data(), edits=st.integers(1, 5))
    def work(self, data: st.DataObject, edits: int) -> None:
        self.runner.run(self._work(data, edits))

    async def _work(self, data: st.DataObject, edits: int) -> None:
        session = Session(self.app.bindings)
        self.left_out: set[tuple[Any, str, int]] = set()
        for _ in range(edits):
            act = data.draw(st.sampled_from([self._add, self._point, self._from_behind, self._remove, self._remove]))
            await act(data, session)
        type(self).commits += 1
        try:
            self.oracle.commit()
        except Refused:
            type(self).refusals += 1
            with pytest.raises((CommitAborted, ValidationError)):
                await session.commit()
        else:
            await session.commit()

    async def _record(self, session: Session, model: Any, key: int) -> Any:
        new = next(
            (item for item in session.context.records.new.values() if type(item) is model and item.id == key), None
        )
        return new if new is not None else await session.require(model, key)

    async def _add(self, data: st.DataObject, session: Session) -> None:
        model = data.draw(st.sampled_from(MODELS))
        key = data.draw(KEYS)
        now = self.oracle.now
        if key in now[model] or key in self.oracle.stored[model]:
            return
        values: dict[str, Any] = {}
        for (source, name), (target, _, _) in FRONTS.items():
            if source is not model:
                continue
            choices = sorted(now[target])
            if (model, name) in MANY:
                values[name] = data.draw(st.lists(st.sampled_from(choices), unique=True)) if choices else []
            elif (model, name) in REQUIRED:
                if not choices:
                    return
                values[name] = data.draw(st.sampled_from(choices))
            else:
                values[name] = data.draw(st.sampled_from([None, *choices]))
        given = dict(values)
        for name, value in values.items():
            target = FRONTS[model, name][0]
            if data.draw(st.booleans()):
                continue
            if (model, name) in MANY:
                given[name] = [await self._record(session, target, item) for item in value]
            elif value is not None:
                given[name] = await self._record(session, target, value)
        now[model][key] = values
        session.add(model(id=key, **given))

    async def _point(self, data: st.DataObject, session: Session) -> None:
        model, name = data.draw(st.sampled_from(sorted(FRONTS, key=repr)))
        now, target = self.oracle.now, FRONTS[model, name][0]
        if not now[model]:
            return
        own = data.draw(st.sampled_from(sorted(now[model])))
        choices = sorted(now[target])
        if (model, name, own) in self.left_out:
            return  # it shows its old reference until the commit, and writing that again is no change
        record = await self._record(session, model, own)
        if (model, name) in MANY:
            value: Any = data.draw(st.lists(st.sampled_from(choices), unique=True)) if choices else []
        elif (model, name) in REQUIRED:
            if not choices:
                return
            value = data.draw(st.sampled_from(choices))
        else:
            value = data.draw(st.sampled_from([None, *choices]))
        now[model][own][name] = value
        if value and data.draw(st.booleans()):
            value = (
                [await self._record(session, target, item) for item in value]
                if isinstance(value, list)
                else await self._record(session, target, value)
            )
        setattr(record, name, value)

    async def _from_behind(self, data: st.DataObject, session: Session) -> None:
        """Write at the other end: assign, add or remove."""
        ends: Any = [(front, end) for front, end in FRONTS.items() if end[1] is not None]
        (model, name), (target, end, _) = data.draw(st.sampled_from(sorted(ends, key=repr)))
        now = self.oracle.now
        if not now[target] or not now[model]:
            return
        key = data.draw(st.sampled_from(sorted(now[target])))
        choices = sorted(now[model])
        owner = await self._record(session, target, key)
        held = self.oracle.holders(model, name, key)
        is_new = key not in self.oracle.stored[target]
        choices = [own for own in choices if (model, name, own) not in self.left_out]
        if not choices:
            return
        verb = data.draw(st.sampled_from(["assign", "add", "remove"]))
        if (model, name) in SINGLE or verb == "assign":
            single = (model, name) in SINGLE
            wanted = data.draw(st.lists(st.sampled_from(choices), unique=True, max_size=1 if single else 3))
            if (model, name) in REQUIRED and set(held) - set(wanted):
                return
            by_record = [await self._record(session, model, own) for own in wanted]
            if is_new and set(held) - set(wanted):
                return  # who refers to a new record is known only to who refers
            value: Any = by_record
            if single:
                value = by_record[0] if by_record else None
            setattr(owner, end, value)
            for own in set(held) - set(wanted):
                self.oracle.cut(model, name, own, key)
                self.left_out.add((model, name, own))
            for own in wanted:
                self.oracle.point(model, name, own, key)
        else:
            own = data.draw(st.sampled_from(choices))
            item: Any = await self._record(session, model, own)
            if verb == "add":
                getattr(owner, end).add(item)
                self.oracle.point(model, name, own, key)
            elif (model, name) not in REQUIRED:
                getattr(owner, end).remove(item)
                self.oracle.cut(model, name, own, key)

    async def _remove(self, data: st.DataObject, session: Session) -> None:
        model = data.draw(st.sampled_from(MODELS))
        choices = sorted(self.oracle.now[model])
        if choices:
            key = data.draw(st.sampled_from(choices))
            if key in self.oracle.stored[model]:
                session.remove(await session.require(model, key))
                del self.oracle.now[model][key]

    @invariant()
    def all_stores_say_what_the_oracle_says(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        session = Session(self.app.bindings)
        for model in MODELS:
            found = {record.id: record for record in await session.query(model.where())}
            assert found.keys() == self.oracle.stored[model].keys(), model
            for key, row in self.oracle.stored[model].items():
                for name, value in row.items():
                    slot = getattr(found[key], name)
                    assert (list(slot.keys) if isinstance(value, list) else slot.key) == value, (model, key, name)
        target: Any
        for target, name in STORED:
            lists = self.oracle.lists(target, name)
            for record in await session.query(target.where()):
                slot = getattr(record, name)
                found_keys = [slot.key] if hasattr(slot, "key") else sorted(slot.keys)
                assert [key for key in found_keys if key is not None] == lists[record.id], (target, record.id)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_both_ends_and_the_oracle_agree(layout: str) -> None:
    machine = type("Machine", (ReferenceMachine,), {"layout": layout, "commits": 0, "refusals": 0})
    chosen = settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=chosen)
    assert machine.refusals < machine.commits  # type: ignore[attr-defined]
