"""A session on SQLite against plain dicts: whatever is done, both tell the same."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from holdall import Holdall, Session, State, desc, state_of
from holdall.errors import CommitAborted, NotFound
from tests.support.draws import draws
from tests.support.library import Author, Book, library

pytestmark = pytest.mark.early


class Loaded:
    """A record of the session, what it was when it was loaded, and what it must show now."""

    def __init__(self, record: Book, values: dict[str, Any]) -> None:
        self.record = record
        self.base = copy.deepcopy(values)
        self.shown = copy.deepcopy(values)


class SessionMachine(RuleBasedStateMachine):
    """``stored`` is what the store must hold, ``loaded`` and ``new`` what this session must show."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.app: Holdall = library(f"sqlite:///{Path(self.folder.name) / 'library.db'}")
        self.stored: dict[int, dict[str, Any]] = {}
        self.loaded: dict[int, Loaded] = {}
        self.deleted: dict[int, Loaded] = {}
        self.new: list[Loaded] = []
        self.session: Session

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    @initialize()
    def open(self) -> None:
        async def start() -> Session:
            await self.app.create()
            async with self.app.session() as session:
                session.add(Author(name="one"))
            return Session(self.app.bindings)

        self.session = self.run(start())

    def teardown(self) -> None:
        self.run(self.app.close())
        self.runner.close()
        self.folder.cleanup()

    def forget(self) -> None:
        self.session.reset()
        self.loaded.clear()
        self.deleted.clear()
        self.new.clear()

    @rule(title=st.text(alphabet="abé%_'", max_size=5), isbn=st.sampled_from("1234567"), pages=st.integers(0, 3))
    def add(self, title: str, isbn: str, pages: int) -> None:
        values = {"title": title, "isbn": isbn, "pages": pages, "tags": [], "version": 1}
        self.new.append(Loaded(self.session.add(Book(title=title, isbn=isbn, author=1, pages=pages)), values))

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.stored)))
        record = self.run(self.session.get(Book, key))
        if key in self.deleted:
            assert record is None
        elif key in self.loaded:
            assert record is self.loaded[key].record
        else:
            self.loaded[key] = Loaded(record, self.stored[key])

    @precondition(lambda self: self.loaded)
    @rule(data=st.data(), name=st.sampled_from(["title", "pages", "tags", "append"]), value=st.integers(0, 3))
    def change(self, data: st.DataObject, name: str, value: int) -> None:
        loaded = self.loaded[data.draw(st.sampled_from(sorted(self.loaded)))]
        if name == "append":
            loaded.record.tags.append(str(value))
            loaded.shown["tags"].append(str(value))
            return
        changed: Any = {"title": str(value), "pages": value, "tags": [str(value)]}[name]
        setattr(loaded.record, name, changed)
        loaded.shown[name] = copy.copy(changed)

    @precondition(lambda self: self.new)
    @rule(data=st.data(), pages=st.integers(0, 3))
    def change_new(self, data: st.DataObject, pages: int) -> None:
        loaded = self.new[data.draw(st.integers(0, len(self.new) - 1))]
        loaded.record.pages = loaded.shown["pages"] = pages

    @precondition(lambda self: self.loaded)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.loaded)))
        assert self.session.remove(self.loaded[key].record)
        self.deleted[key] = self.loaded.pop(key)

    @precondition(lambda self: self.new)
    @rule(data=st.data())
    def remove_new(self, data: st.DataObject) -> None:
        loaded = self.new.pop(data.draw(st.integers(0, len(self.new) - 1)))
        assert not self.session.remove(loaded.record)
        assert state_of(loaded.record) is State.DISCARDED

    @rule()
    def rollback(self) -> None:
        self.session.rollback()
        for loaded in self.new:
            assert state_of(loaded.record) is State.DISCARDED
        self.new.clear()
        self.loaded |= self.deleted
        self.deleted.clear()
        for loaded in self.loaded.values():
            loaded.shown = copy.deepcopy(loaded.base)

    @precondition(lambda self: self.stored)
    @rule(data=st.data(), removes=st.booleans())
    def interfere(self, data: st.DataObject, removes: bool) -> None:
        """Somebody else changes or removes a record."""
        key = data.draw(st.sampled_from(sorted(self.stored)))

        async def act() -> None:
            async with self.app.session() as other:
                record = await other.require(Book, key)
                if removes:
                    other.remove(record)
                else:
                    record.pages += 1

        self.run(act())
        if removes:
            del self.stored[key]
        else:
            self.stored[key]["pages"] += 1
            self.stored[key]["version"] += 1

    @precondition(lambda self: self.loaded)
    @rule(data=st.data())
    def refresh(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.loaded)))
        loaded = self.loaded[key]
        try:
            self.run(self.session.refresh(loaded.record))
        except NotFound:
            assert key not in self.stored
            assert state_of(loaded.record) is State.DISCARDED
            del self.loaded[key]
        else:
            self.loaded[key] = Loaded(loaded.record, self.stored[key])

    @rule()
    def commit(self) -> None:
        changed = {key for key, loaded in self.loaded.items() if loaded.base != loaded.shown}
        written = [(key, self.loaded[key]) for key in changed] + list(self.deleted.items())
        stale = any(self.stored.get(key, {}).get("version") != loaded.base["version"] for key, loaded in written)
        kept = [values["isbn"] for key, values in self.stored.items() if key not in self.deleted]
        isbns = kept + [loaded.shown["isbn"] for loaded in self.new]
        refused = stale or len(set(isbns)) < len(isbns)
        try:
            self.run(self.session.commit())
        except CommitAborted:
            assert refused
            for loaded in self.new:
                assert state_of(loaded.record) is State.NEW
                assert loaded.record.id is None
            self.forget()
            return
        assert not refused
        for key in changed:
            loaded = self.loaded[key]
            loaded.shown["version"] += 1
            loaded.base, self.stored[key] = copy.deepcopy(loaded.shown), copy.deepcopy(loaded.shown)
        for key, loaded in self.deleted.items():
            assert state_of(loaded.record) is State.DISCARDED
            del self.stored[key]
        self.deleted.clear()
        for loaded in self.new:
            assert loaded.record.id not in self.stored
            self.stored[loaded.record.id] = copy.deepcopy(loaded.shown)
            self.loaded[loaded.record.id] = Loaded(loaded.record, loaded.shown)
        self.new.clear()

    @rule(pages=st.integers(0, 3))
    def query(self, pages: int) -> None:
        found = self.run(self.session.query(Book.where(Book.pages >= pages).sort(desc(Book.pages))))
        expected = {key for key, values in self.stored.items() if values["pages"] >= pages} - set(self.deleted)
        assert {book.id for book in found} == expected
        assert self.run(self.session.count(Book.where(Book.pages >= pages))) == len(expected) + len(
            {key for key in self.deleted if self.stored.get(key, {"pages": -1})["pages"] >= pages}
        )
        for book in found:
            if book.id not in self.loaded:
                self.loaded[book.id] = Loaded(book, self.stored[book.id])

    @invariant()
    def shows_what_it_must(self) -> None:
        type(self).steps += 1
        for loaded in [*self.loaded.values(), *self.new]:
            record = loaded.record
            expected = loaded.shown if loaded not in self.new else {**loaded.shown, "version": None}
            assert {name: getattr(record, name) for name in loaded.shown} == expected
        for loaded in self.loaded.values():
            changed = {name for name in loaded.base if loaded.base[name] != loaded.shown[name]}
            if "tags" not in changed:  # changes in place are found at commit
                assert (state_of(loaded.record) is State.DIRTY) == bool(changed) or loaded.shown["tags"]


def test_session_and_dicts_agree_for_thousands_of_steps() -> None:
    chosen = settings(
        max_examples=draws(40, 130), stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck)
    )
    SessionMachine.steps = 0
    run_state_machine_as_test(SessionMachine, settings=chosen)
    assert SessionMachine.steps >= draws(3_000, 10_000)
