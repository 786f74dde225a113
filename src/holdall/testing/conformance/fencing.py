"""Fences around collections that move: every writer meets them in the step that would have written."""

from __future__ import annotations

import pytest

from holdall.errors import Reserved
from holdall.query import FieldSchema, Kind, Schema
from holdall.store import MOVE_NOTES, Change, Feature, Fence, Preparable, Provisioned, Transactional, Verb
from holdall.store import Fencing as FencingStore
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.commits import Commits, CommitsOfATest
from holdall.testing.conformance.requires import requires

__all__ = ["Fencing"]

_NOTES = Schema(f"{MOVE_NOTES}_country", (FieldSchema("id", Kind.STR, max_length=40),), ("id",))


class Fencing(CommitsOfATest):
    """``fence``, which ``roll_back_prepared`` takes away."""

    @requires(FencingStore)
    def test_a_closed_fence(self, case: Case, commits: Commits) -> None:
        """Nobody adds, changes or removes what is in the collection; others go on; once it is lifted, all do."""
        case.clear()
        case.apply(case.add("country", code="A", name="A"), case.add("country", code="B", name="B"))
        before = case.content()
        fence = commits.fence(Fence("country"))
        assert [each.is_fence for each in commits.held().values() if each.commit == fence] == [True]
        added = case.add("country", code="C", name="C")
        for change in (added, case.update("country", "A", name="other"), case.remove("country", "B")):
            _refused(case, fence, change)
        if isinstance(case.store, Transactional):
            with pytest.raises(Reserved):
                case.run(_in_transaction(case.store, added))
        case.holds(before)
        commits.roll_back(fence)
        assert fence not in commits.held()
        case.apply(added)
        case.holds({**before, "country": {**before["country"], "C": ("C", "C", None)}})

    @requires(FencingStore, Feature.GENERATED_KEYS)
    def test_keys_that_the_store_makes(self, case: Case, commits: Commits) -> None:
        """A record whose key the store would make is no more added than others."""
        case.clear()
        fence = commits.fence(Fence("author"))
        _refused(case, fence, case.add("author", name="A", version=1))
        commits.roll_back(fence)
        assert case.content().get("author", {}) == {}

    @requires(FencingStore)
    def test_a_fence_with_notes(self, case: Case, commits: Commits) -> None:
        """A change passes with which a note is written, until the fence is closed in its place."""
        case.clear()
        case.apply(case.add("country", code="A", name="A"))
        fence = commits.fence(Fence("country", MOVE_NOTES))
        changed, noted = case.update("country", "A", name="other"), _note(case, "1")
        _refused(case, fence, changed)
        _refused(case, fence, changed, case.add("shelf", room="R", number=1))
        case.apply(changed, noted)
        assert case.column("country", "name") == {"A": "other"}
        commits.fence(Fence("country"), fence)
        _refused(case, fence, case.update("country", "A", name="third"), _note(case, "2"))
        assert case.column("country", "name") == {"A": "other"}
        commits.roll_back(fence)

    @requires(FencingStore, Preparable)
    def test_what_was_prepared_before_passes(self, case: Case, commits: Commits) -> None:
        """A part that was held before the fence is written in spite of it; none is held after it."""
        case.clear()
        case.apply(case.add("country", code="A", name="A"))
        commits.roll_back(commits.fence(Fence("author")))  # a store may make the place for fences with the first one
        changes = [case.update("country", "A", name="other")]
        commit = commits.prepared(*changes)
        fence = commits.fence(Fence("country"))
        with pytest.raises(Reserved):
            commits.prepared(case.add("country", code="B", name="B"))
        assert commits.commit(commit, *changes) is True
        assert case.column("country", "name") == {"A": "other"}
        commits.roll_back(fence)


def _refused(case: Case, fence: str, *changes: Change) -> None:
    with pytest.raises(Reserved) as caught:
        case.apply_or_raise(*changes)
    assert caught.value.commits == (fence,)
    assert caught.value.is_fence


async def _in_transaction(store: Transactional, change: Change) -> None:
    async with store.transaction() as transaction:
        await transaction.apply([change])


def _note(case: Case, key: str) -> Change:
    case.store.bind([_NOTES])
    if isinstance(case.store, Provisioned):
        case.run(case.store.create())
    return Change(Verb.ADD, _NOTES.name, key, ("id",), (key,))
