"""Changes that are refused while a commit over several stores holds records, unique values and references, and changes
that are not.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from holdall.errors import Conflict, LockConflict, Reserved
from holdall.store import Change, Feature, Hold, Transactional
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.commits import Commits, CommitsOfATest, Write, needs_hold

__all__ = ["Collisions"]

_A, _B, _C, _D, _NEW = (UUID(int=number) for number in range(5))
_Pair = tuple[Change, Change]


def _records(case: Case) -> dict[str, _Pair]:
    held, other = case.update("country", "A", name="held"), case.update("country", "A", population=1)
    added = case.add("country", code="new", name="n")
    return {
        "update and update": (held, other),
        "update and remove": (held, case.remove("country", "A")),
        "remove and update": (case.remove("country", "A"), other),
        "remove and remove": (case.remove("country", "A"), case.remove("country", "A")),
        "remove and add": (case.remove("country", "A"), case.add("country", code="A", name="again")),
        "add and add": (added, case.add("country", code="new", name="other")),
    }


def _uniques(case: Case) -> dict[str, _Pair]:
    def new(key: UUID, **values: object) -> Change:
        return case.add("book", id=key, title="new", **values)

    return {
        "value, add and add": (new(_NEW, isbn="9"), new(_D, isbn="9")),
        "value, update and add": (case.update("book", _A, isbn="9"), new(_D, isbn="9")),
        "value, add and update": (new(_NEW, isbn="9"), case.update("book", _A, isbn="9")),
        "value, update and update": (case.update("book", _A, isbn="9"), case.update("book", _B, isbn="9")),
        "together, add and add": (new(_NEW, series="s", volume=9), new(_D, series="s", volume=9)),
        "together, part updated and add": (case.update("book", _A, volume=9), new(_D, series="s", volume=9)),
        "together, add and part updated": (new(_NEW, series="s", volume=9), case.update("book", _A, volume=9)),
        "together, parts updated": (case.update("book", _A, volume=9), case.update("book", _B, volume=9)),
        "together, other parts updated": (case.update("book", _A, volume=3), case.update("book", _C, series="s")),
    }


def _references(case: Case) -> dict[str, _Pair]:
    new = case.add("author", id=7, name="n", country="A", version=1)
    pairs = {
        "reference added, target removed": (new, case.remove("country", "A")),
        "target removed, reference added": (case.remove("country", "A"), new),
        "reference moved, target removed": (case.update("author", 1, country="A"), case.remove("country", "A")),
        "target removed, reference moved": (case.remove("country", "A"), case.update("author", 1, country="A")),
    }
    if case.keeps("book.seen_on"):
        listed, gone = case.update("book", _A, seen_on=(("r", 1),)), case.remove("shelf", ("r", 1))
        pairs |= {"list grown, target removed": (listed, gone), "target removed, list grown": (gone, listed)}
    return pairs


class Collisions(CommitsOfATest):
    """Every writer of the store, ``apply``, transactions and the preparing of another commit, meets what is held."""

    @needs_hold()
    @pytest.mark.parametrize("pairs", [_records, _uniques, _references], ids=["records", "uniques", "references"])
    def test_collisions(self, case: Case, commits: Commits, pairs: Callable[[Case], dict[str, _Pair]]) -> None:
        """A change that needs a held record or value is refused by name and writes nothing; once the hold is let go of,
        none is.
        """
        if not _fits(case, pairs):
            return
        for title, (held, other) in pairs(case).items():
            _world(case)
            commit = commits.prepared(held)
            try:
                commits.refuses_each({commit}, *_writers(case, commits, other))
                assert set(commits.held()) == {commit}
                commits.roll_back(commit)
                _apply_unless_refused(case, other)
            except BaseException as error:
                error.add_note(f"while it held one of: {title}")
                raise

    @needs_hold()
    @pytest.mark.parametrize("pairs", [_records, _uniques, _references], ids=["records", "uniques", "references"])
    def test_what_was_held_is_written(
        self, case: Case, commits: Commits, pairs: Callable[[Case], dict[str, _Pair]]
    ) -> None:
        """After others were refused the commit is written; who comes then is judged by what is written."""
        if not _fits(case, pairs):
            return
        for held, other in pairs(case).values():
            _world(case)
            case.apply(held)
            after = case.content()
            _world(case)
            commit = commits.prepared(held)
            commits.refuses({commit}, case.apply, other)
            assert commits.commit(commit, held) is True
            case.holds(after)
            _apply_unless_refused(case, other)

    @needs_hold()
    def test_a_group_is_refused_whole(self, case: Case, commits: Commits) -> None:
        """One change that collides refuses its whole group, wherever it stands."""
        _world(case)
        commit = commits.prepared(case.update("country", "A", name="held"))
        good = [case.update("country", "B", name="x"), case.add("country", code="new", name="n")]
        for place in range(len(good) + 1):
            changes = [*good[:place], case.update("country", "A", name="y"), *good[place:]]
            commits.refuses({commit}, case.apply, *changes)

    @needs_hold()
    def test_others_pass(self, case: Case, commits: Commits) -> None:
        """A change that needs nothing of what is held is not refused: other records of the same collection."""
        _world(case)
        held = [case.update("country", "A", name="held"), case.add("country", code="new", name="n")]
        commit = commits.prepared(*held)
        case.apply(case.update("country", "B", name="passed"))
        second = case.remove("country", "B")
        other = commits.prepared(second)
        assert set(commits.held()) == {commit, other}
        assert commits.commit(other, second) is True
        assert commits.commit(commit, *held) is True
        assert case.column("country", "name") == {"A": "held", "new": "n"}

    @needs_hold(Hold.RESERVED)
    def test_others_pass_by_values(self, case: Case, commits: Commits) -> None:
        """Other unique values, nulls, and others that refer to the same record collide with nothing."""
        _world(case)
        if case.declares(Feature.UNIQUE) and case.keeps("book.isbn", "book.series"):
            commits.prepared(case.add("book", id=_NEW, title="n", isbn="9", series="s", volume=9))
            case.apply(
                case.add("book", id=_D, title="d", isbn="8", series="s", volume=8), case.update("book", _B, isbn=None)
            )
            commits.prepared(case.update("book", _B, volume=None))
        if case.declares(Feature.FOREIGN_KEYS) and case.keeps("author.country"):
            held = case.add("author", id=7, name="n", country="A", version=1)
            commit = commits.prepared(held)
            case.apply(case.add("author", id=8, name="m", country="A", version=1))
            case.apply(case.update("country", "A", name="changed, not removed"))
            commits.prepared(case.update("author", 1, country="A"))
            assert commits.commit(commit, held) is True

    @needs_hold(Hold.RESERVED)
    def test_several_in_the_way(self, case: Case, commits: Commits) -> None:
        """A refusal names every commit that is in the way, and no other."""
        _world(case)
        first = commits.prepared(case.update("country", "A", name="1"))
        second = commits.prepared(case.update("country", "B", name="2"))
        commits.prepared(case.add("country", code="new", name="3"))
        error = commits.refuses(
            {first, second}, case.apply, case.update("country", "A", name="x"), case.remove("country", "B")
        )
        assert isinstance(error, Reserved)
        assert error.collection in ("", "country")


def _fits(case: Case, pairs: Callable[[Case], dict[str, _Pair]]) -> bool:
    if pairs is _uniques:
        return case.declares(Feature.UNIQUE) and case.keeps("book.isbn", "book.series", "book.volume")
    return pairs is _records or (case.declares(Feature.FOREIGN_KEYS) and case.keeps("author.country"))


def _world(case: Case) -> None:
    case.clear()
    changes = [case.add("country", code="A", name="a"), case.add("country", code="B", name="b")]
    if case.keeps("author.version"):
        changes.append(case.add("author", id=1, name="x", version=1))
    if case.keeps("shelf.room"):
        changes.append(case.add("shelf", room="r", number=1))
    if case.keeps("book.series"):
        changes += [
            case.add("book", id=key, title="t", isbn=isbn, series=series, volume=volume)
            for key, isbn, series, volume in ((_A, "1", "s", 1), (_B, "2", "s", 2), (_C, "3", "t", 3))
        ]
    case.apply(*changes)


def _writers(case: Case, commits: Commits, change: Change) -> list[Write]:
    """Every way in which the store that the case has when they are called writes a change."""
    second = commits.begin()

    async def in_transaction() -> None:
        assert isinstance(case.store, Transactional)
        async with case.store.transaction() as transaction:
            await transaction.apply([change])

    writers: list[Write] = [
        lambda: case.store.apply([change]),
        lambda: commits.store.prepare(second, [change]),
    ]
    return [*writers, in_transaction] if isinstance(case.store, Transactional) else writers


def _apply_unless_refused(case: Case, change: Change) -> None:
    try:
        case.apply(change)
    except Conflict as error:
        assert not isinstance(error, Reserved | LockConflict)
