"""Parts of commits prepared, written and let go of in any order beside writers, against a dictionary.

Nothing is lost or written twice, what is held never changes, and who is refused was in the way of somebody.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from holdall.errors import Conflict, Reserved, UniqueViolation
from holdall.query import Query
from holdall.store import Change, Reservation, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from tests.support.draws import draws
from tests.support.redis_collections import beside, raw_client, store_at
from tests.support.redis_commit_parts import THING, reservation

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_NAMES = ("name", "code", "size")
_RULES = (("code",), ("name", "size"))
_Row = dict[str, Any]
_Rows = dict[int, _Row]
_Drawn = tuple[Verb, int, _Row, bool]
_Step = tuple[str, int, list[_Drawn]]

_values = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(("a", "b")),
        "code": st.sampled_from(("x", "y", "z", None)),
        "size": st.sampled_from((0, 1, None)),
    },
)
_changes = st.tuples(st.sampled_from(Verb), st.integers(1, 4), _values, st.integers(0, 9).map(bool))
_drawn = st.lists(_changes, min_size=1, max_size=3)
_ACTS = ("apply", "prepare", "prepare", "prepare again", "commit", "commit", "roll back", "renew", "append")
_steps = st.tuples(
    st.sampled_from(
        ("apply", "prepare", "prepare", "prepare again", "commit", "commit", "roll back", "renew", "append")
    ),
    st.integers(0, 5),
    _drawn,
)


class _Part:
    """What one commit holds, by the model: its changes, the records they touch, the values these are to take."""

    def __init__(self, changes: list[Change], before: _Rows, after: _Rows) -> None:
        self.changes = changes
        self.keys = {change.key for change in changes}
        self.removed = {change.key for change in changes if change.verb is Verb.REMOVE}
        self.taken = {
            value for key in self.keys & after.keys() for value in _unique(after[key]) - _unique(before.get(key, {}))
        }


class _Model:
    """The records that are there, and the parts that are held."""

    def __init__(self) -> None:
        self.rows: _Rows = {}
        self.parts: dict[str, _Part] = {}
        self.logs: dict[int, int] = {}

    def changes(self, drawn: list[_Drawn]) -> tuple[list[Change], _Rows | None]:
        """Changes, mostly sane, and what is there thereafter; None where they are to be refused."""
        after, changes, is_refused = dict(self.rows), [], False
        for verb, key, values, is_sane in drawn:
            row = after.get(key)
            if is_sane:  # or hardly any would go through
                verb = Verb.ADD if row is None else Verb.UPDATE if verb is Verb.ADD else verb
            version = 1 if row is None else row["version"]
            is_refused |= (row is None) is not (verb is Verb.ADD)
            if verb is Verb.ADD:
                new = {"name": "a", "code": None, "size": None, **values, "version": 1}
                changes.append(Change(verb, "thing", key, tuple(new), tuple(new.values())))
                after[key] = new
            elif row is None:
                changes.append(Change(Verb.REMOVE, "thing", key))
            elif verb is Verb.REMOVE:
                changes.append(Change(verb, "thing", key, version=version))
                del after[key]
            else:
                given = {**values, "version": version + 1}
                changes.append(Change(verb, "thing", key, tuple(given), tuple(given.values()), version))
                after[key] = {**row, **given}
        claimed = [value for row in after.values() for value in _unique(row)]
        return changes, after if len(claimed) == len(set(claimed)) and not is_refused else None

    def in_the_way(self, changes: list[Change], after: _Rows | None, commit: str = "") -> set[str]:
        """The other commits that hold a record or a value that the changes need."""
        mine = _Part(changes, self.rows, after if after is not None else self.rows)
        return {
            other
            for other, part in self.parts.items()
            if other != commit and (mine.keys & part.keys or mine.taken & part.taken)
        }

    def write(self, changes: list[Change], after: _Rows) -> None:
        for change in changes:
            self.rows.pop(change.key, None)
            if change.key in after:
                self.rows[change.key] = after[change.key]
            if change.verb is not Verb.UPDATE:
                self.logs.pop(change.key, None)


def _unique(row: _Row) -> set[tuple[Any, ...]]:
    groups = [(names, *[row.get(name) for name in names]) for names in _RULES]
    return {group for group in groups if None not in group}


class _Run:
    """One history."""

    def __init__(self, store: RedisStore) -> None:
        self.store = store
        self.model = _Model()
        self.afters: dict[str, _Rows] = {}
        self.told: dict[str, Reservation] = {}
        self.ended: list[tuple[str, list[Change]]] = []

    async def step(self, act: str, number: int, drawn: list[_Drawn]) -> None:
        held = sorted(self.model.parts)
        commit = held[number % len(held)] if held else ""
        if act == "apply":
            changes, after = self.model.changes(drawn)
            if await self._goes(self.store.apply(changes), changes, after):
                self.model.write(changes, after or {})
        elif act == "prepare" or (act == "prepare again" and commit):
            await self._prepare(reservation(commit if act == "prepare again" else ""), drawn)
        elif act == "append":
            await self._append(number % 4 + 1)
        elif not commit:
            await self._repeat()
        elif act == "renew":
            self.told[commit] = reservation(commit, owner=f"owner {number}")
            await self.store.renew_prepared(self.told[commit])
        else:
            part = self.model.parts.pop(commit)
            if act == "commit":
                assert await self.store.commit_prepared(commit, part.changes)
                self.model.write(part.changes, self.afters[commit])
            else:
                await self.store.roll_back_prepared(commit)
            self.ended.append((commit, part.changes))
        await self._repeat()

    async def _prepare(self, begun: Reservation, drawn: list[_Drawn]) -> None:
        changes, after = self.model.changes(drawn)
        is_held = await self._goes(self.store.prepare(begun, changes), changes, after, begun.commit)
        self.model.parts.pop(begun.commit, None)
        if is_held and after is not None:
            self.model.parts[begun.commit] = _Part(changes, self.model.rows, after)
            self.afters[begun.commit], self.told[begun.commit] = after, begun

    async def _goes(self, doing: Any, changes: list[Change], after: _Rows | None, commit: str = "") -> bool:
        """Whether it was not refused; refused for the reason that the model knows."""
        others = self.model.in_the_way(changes, after, commit)
        told: set[str] | None = None
        try:
            await doing
        except Reserved as error:
            told = set(error.commits)
        except (Conflict, UniqueViolation):
            told = set()
        if told is None:
            assert after is not None, f"not refused: {changes}"
            assert not others, f"{others} were passed over by {changes}"
        elif after is None and not others:  # a value may be taken by a record that somebody holds
            assert told <= self.model.parts.keys() - {commit}
        else:
            assert told <= others, f"{told} are not in the way of {changes}"
            assert told or after is None, f"refused without reason: {changes}"
        return told is None

    async def _append(self, key: int) -> None:
        holders = {
            commit
            for commit, part in self.model.parts.items()
            if key in (part.removed if key in self.model.rows else part.keys)
        }
        told: set[str] | None = None
        try:
            await self.store.append("thing", key, "log", b"x")
        except Reserved as error:
            told = set(error.commits)
        except Conflict:
            told = set()
        if told is None:
            self.model.logs[key] = self.model.logs.get(key, 0) + 1
        assert holders == (told or set())
        assert (told is None) is (key in self.model.rows and not holders)

    async def _repeat(self) -> None:
        """Whoever comes late changes nothing."""
        for commit, changes in self.ended[-2:]:
            assert not await self.store.commit_prepared(commit, changes)
            await self.store.roll_back_prepared(commit)

    async def look(self, raw: Redis) -> None:
        """The store is what the model says: records, indexes, streams, reservations."""
        found = {
            row[0]: dict(zip((*_NAMES, "version"), row[1:], strict=True))
            for row in await self.store.fetch(Query("thing"))
        }
        assert found == self.model.rows
        assert {item.commit: item for item in await self.store.prepared()} == {
            commit: self.told[commit] for commit in self.model.parts
        }
        aside = await beside(raw, self.store)
        holders = {
            f"{row['code']}".encode(): f"{key}".encode() for key, row in found.items() if row["code"] is not None
        }
        assert aside.get("thing#unique:code", {}) == holders
        assert len(aside.get("thing#keys", ())) == len(found)
        held = aside.get("thing#reserved", {})
        assert len([field for field in held if field.startswith(b"k:")]) == sum(
            len(part.keys) for part in self.model.parts.values()
        )
        for key in found:
            assert await self.store.length("thing", key, "log") == self.model.logs.get(key, 0)


async def _live(url: str, history: list[_Step], **options: Any) -> None:
    store = store_at(url, THING, **options)

    async with raw_client(url, store) as raw:
        run = _Run(store)
        for act, number, drawn in history:
            await run.step(act, number, drawn)
            await run.look(raw)
        for commit in list(run.model.parts):
            await store.roll_back_prepared(commit)
        assert not [name for name in await beside(raw, store) if name.endswith(("#held", "#commits", "#reserved"))]


@settings(max_examples=draws(25, 150))
@given(st.lists(_steps, min_size=6, max_size=16))
def test_any_history(redis_url: str, history: list[_Step]) -> None:
    asyncio.run(_live(redis_url, history))


@settings(max_examples=15)
@given(st.lists(_steps, min_size=4, max_size=12))
@pytest.mark.parametrize("option", [RedisCollection(ttl=3600), RedisCollection(encoding="typed")], ids=["ttl", "typed"])
def test_any_history_of_other_collections(redis_url: str, option: RedisCollection, history: list[_Step]) -> None:
    asyncio.run(_live(redis_url, history, collections={"thing": option}))


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=2, max_size=12))
def test_commits_at_once(redis_url: str, drawn: list[tuple[int, bool, bool]]) -> None:
    """Each adds one to a counter that is read before; what ended well is what is counted."""
    store = store_at(redis_url, THING)

    async def add(key: int, is_part: bool, is_kept: bool) -> int | None:
        for _ in range(100):
            found = await store.fetch(Query("thing"))
            size, version = next((row[3], row[4]) for row in found if row[0] == key)
            change = Change(Verb.UPDATE, "thing", key, ("size", "version"), (size + 1, version + 1), version)
            begun = reservation()
            try:
                if not is_part:
                    await store.apply([change])
                    return key
                await store.prepare(begun, [change])
            except Conflict:
                await asyncio.sleep(0)
                continue
            if is_kept:
                assert (
                    sum(await asyncio.gather(*(store.commit_prepared(begun.commit, [change]) for _ in range(3)))) == 1
                )
                return key
            await store.roll_back_prepared(begun.commit)
            return None
        return None

    async def main() -> None:
        async with raw_client(redis_url, store):
            names = ("name", "size", "version")
            await store.apply([Change(Verb.ADD, "thing", key, names, (f"{key}", 0, 1)) for key in (1, 2, 3)])
            ended = await asyncio.gather(*(add(*one) for one in drawn))
            rows = {row[0]: row[3] for row in await store.fetch(Query("thing"))}
            assert rows == {key: ended.count(key) for key in (1, 2, 3)}
            assert await store.prepared() == []

    asyncio.run(main())
