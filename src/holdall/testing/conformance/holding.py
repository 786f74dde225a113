"""Holding a part of a commit over several stores: prepared, written or let go of, by any process that learns the
decision.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import msgspec
import pytest

from holdall.errors import (
    AlreadyExists,
    HoldallError,
    LockConflict,
    ReferenceViolation,
    Reserved,
    StaleVersion,
    UniqueViolation,
)
from holdall.store import RESERVATION_FORMAT, Change, Feature, Hold, KeyOf
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.commits import Commits, CommitsOfATest, needs_hold

__all__ = ["Holding"]

_A, _B = UUID(int=1), UUID(int=2)


class Holding(CommitsOfATest):
    """``prepare``, ``commit_prepared``, ``roll_back_prepared``, ``renew_prepared`` and ``prepared``."""

    @needs_hold()
    def test_prepare_is_invisible(self, case: Case, commits: Commits) -> None:
        """Readers see nothing of what is prepared; it is listed as held."""
        before = _two(case)
        commit = commits.prepared(*_changes(case))
        case.holds(before)
        assert set(commits.held()) == {commit}

    @needs_hold()
    def test_commit_writes_once(self, case: Case, commits: Commits) -> None:
        """Committing writes everything and lets go; done again it says so and writes nothing."""
        _two(case)
        changes = _changes(case)
        commit = commits.prepared(*changes)
        assert commits.commit(commit, *changes) is True
        after = {"A": ("A", "changed", 7), "C": ("C", "c", None)}
        case.holds({"country": after})
        assert commits.held() == {}
        case.apply(case.update("country", "A", name="later"))
        assert commits.commit(commit, *changes) is False
        case.holds({"country": {**after, "A": ("A", "later", 7)}})

    @needs_hold()
    def test_roll_back_prepared(self, case: Case, commits: Commits) -> None:
        """Letting go leaves nothing behind, may be repeated, and ends what could be committed."""
        before = _two(case)
        changes = _changes(case)
        commit = commits.prepared(*changes)
        for _ in range(2):
            commits.roll_back(commit)
        assert commits.held() == {}
        case.holds(before)
        assert commits.commit(commit, *changes) is False
        case.holds(before)
        case.apply(*changes)

    @needs_hold()
    def test_unknown_commits(self, case: Case, commits: Commits) -> None:
        """A commit that nobody has prepared is neither written nor held, whatever is asked for it."""
        before = _two(case)
        reservation = commits.begin()
        commits.roll_back(reservation.commit)
        case.run(commits.store.renew_prepared(reservation))
        assert commits.commit(reservation.commit, *_changes(case)) is False
        assert commits.held() == {}
        case.holds(before)

    @needs_hold()
    def test_prepare_again(self, case: Case, commits: Commits) -> None:
        """Preparing again under the same commit takes the place of what was held."""
        _two(case)
        reservation = commits.begin()
        commits.prepare(reservation, case.update("country", "A", name="first"))
        second = case.update("country", "B", name="second")
        commits.prepare(reservation, second)
        case.apply(case.update("country", "A", name="free"))
        commits.refuses({reservation.commit}, case.apply, case.update("country", "B", name="x"))
        assert set(commits.held()) == {reservation.commit}
        assert commits.commit(reservation.commit, second) is True
        case.holds({"country": {"A": ("A", "free", None), "B": ("B", "second", None)}})

    @needs_hold()
    def test_close_in_between(self, case: Case, commits: Commits) -> None:
        """Holds stay when the store is closed and opened again."""
        _two(case)
        changes = _changes(case)
        commit = commits.prepared(*changes)
        case.run(case.store.close())
        assert set(commits.held()) == {commit}
        commits.refuses({commit}, case.apply, case.update("country", "A", name="x"))
        assert commits.commit(commit, *changes) is True
        case.holds({"country": {"A": ("A", "changed", 7), "C": ("C", "c", None)}})

    @needs_hold()
    def test_refusals_hold_nothing(self, case: Case, commits: Commits) -> None:
        """Changes that ``apply`` would refuse are refused when prepared, and nothing of their group is held."""
        _two(case)
        good = case.update("country", "A", name="good")
        refusals: list[tuple[Change, type[HoldallError]]] = [
            (case.add("country", code="B", name="again"), AlreadyExists),
            (case.update("country", "no", name="x"), StaleVersion),
            (case.remove("country", "no"), StaleVersion),
        ]
        if case.declares(Feature.UNIQUE) and case.keeps("book.isbn"):
            case.apply(case.add("book", id=_A, title="a", isbn="1"))
            refusals.append((case.add("book", id=_B, title="b", isbn="1"), UniqueViolation))
        if case.declares(Feature.FOREIGN_KEYS) and case.keeps("author.country"):
            case.apply(case.add("author", id=1, name="a", country="B", version=1))
            refusals.append((case.add("author", id=2, name="b", country="XX", version=1), ReferenceViolation))
            refusals.append((case.remove("country", "B"), ReferenceViolation))
        if case.declares(Feature.VERSIONS) and case.keeps("author.version"):
            case.apply(case.add("author", id=3, name="c", version=4))
            refusals.append((case.change("author", 3, 3, name="late", version=4), StaleVersion))
        before = case.content()
        for bad, kind in refusals:
            reservation = commits.begin()
            commits.prepare(reservation, good)
            with pytest.raises(kind) as caught:
                commits.prepare(reservation, good, bad)
            assert not isinstance(caught.value, Reserved | LockConflict)
            assert commits.held() == {}
            assert commits.commit(reservation.commit, good, bad) is False
            case.holds(before)
        case.apply(good)

    @needs_hold()
    def test_generated_keys(self, case: Case, commits: Commits) -> None:
        """Keys made for what is prepared are told, and nobody else gets them; nor one that was given."""
        if not case.declares(Feature.GENERATED_KEYS) or "author" not in case.schemas:
            return
        case.clear()

        def one(name: str, **values: object) -> Change:
            return case.add("author", name=name, version=1, **values)

        reservation = commits.begin()
        mentor = {"mentor": KeyOf(0)} if case.keeps("author.mentor") else {}
        first, second = (outcome.key for outcome in commits.prepare(reservation, one("a"), one("b", **mentor)))
        (other,) = case.apply(one("other"))
        given = commits.begin()
        commits.prepare(given, one("given", id=other.key + 2))
        third = commits.begin()
        (made,) = commits.prepare(third, one("third"))
        more = [outcome.key for outcome in case.apply(*(one(f"more {n}") for n in range(4)))]
        keys = [first, second, other.key, other.key + 2, made.key, *more]
        assert all(type(key) is int for key in keys)
        assert len(set(keys)) == len(keys)
        placed = {"mentor": first} if mentor else {}
        assert commits.commit(reservation.commit, one("a", id=first), one("b", id=second, **placed)) is True
        assert commits.commit(given.commit, one("given", id=other.key + 2)) is True
        assert commits.commit(third.commit, one("third", id=made.key)) is True
        names = case.column("author", "name")
        assert set(names) == set(keys)
        assert (names[first], names[second], names[made.key]) == ("a", "b", "third")
        if mentor:
            assert case.column("author", "mentor")[second] == first
        (last,) = case.apply(one("last"))
        assert last.key not in keys

    @needs_hold()
    def test_prepares_at_once(self, case: Case, commits: Commits) -> None:
        """Of twenty commits and writers that want one record at once exactly one gets it, all or nothing."""
        _two(case)
        reservations = [commits.begin() for _ in range(10)]

        def changes(name: str) -> list[Change]:
            return [case.update("country", "A", name=name), case.add("country", code=f"own {name}", name=name)]

        async def prepare(number: int) -> bool:
            try:
                await commits.store.prepare(reservations[number], changes(f"{number}"))
            except (Reserved, LockConflict):
                return False
            return True

        async def work() -> list[bool]:
            return list(await asyncio.gather(*(prepare(number) for number in range(10))))

        went = case.run(work())
        assert went.count(True) == 1
        winner = went.index(True)
        assert set(commits.held()) == {reservations[winner].commit}
        assert commits.commit(reservations[winner].commit, *changes(f"{winner}")) is True
        own = (f"own {winner}", f"{winner}", None)
        case.holds({"country": {"A": ("A", f"{winner}", None), "B": ("B", "b", None), own[0]: own}})

    @needs_hold(Hold.RESERVED)
    def test_reservations_come_back(self, case: Case, commits: Commits) -> None:
        """A reservation is told as it was made, in the list and in refusals, and as it was renewed."""
        _two(case)
        reservation = commits.begin(expires=dt.datetime(2030, 5, 17, 12, 30, 0, 123456, tzinfo=dt.UTC))
        commits.prepare(reservation, case.update("country", "A", name="x"))
        late = msgspec.structs.replace(reservation, expires=dt.datetime(2031, 1, 1, tzinfo=dt.UTC), owner="another")
        for current in (reservation, late):
            case.run(commits.store.renew_prepared(current))
            assert commits.held() == {current.commit: current}
            error = commits.refuses({current.commit}, case.apply, case.remove("country", "A"))
            assert isinstance(error, Reserved)
            assert error.reservations == (current,)

    @needs_hold(Hold.RESERVED)
    def test_unreadable_reservations(self, case: Case, commits: Commits) -> None:
        """A reservation of a format that is not known refuses as any other, and is told to be unreadable."""
        _two(case)
        reservation = commits.begin(number=RESERVATION_FORMAT + 8)
        commits.prepare(reservation, case.update("country", "A", name="x"))
        (held,) = commits.held().values()
        error = commits.refuses({reservation.commit}, case.apply, case.update("country", "A", name="y"))
        assert isinstance(error, Reserved)
        for found in (held, *error.reservations):
            assert found.commit == reservation.commit
            assert found.format == RESERVATION_FORMAT + 8
            assert not found.is_readable
        commits.roll_back(reservation.commit)
        case.apply(case.update("country", "A", name="y"))


def _two(case: Case) -> dict[str, dict[object, tuple[object, ...]]]:
    case.clear()
    case.apply(case.add("country", code="A", name="a"), case.add("country", code="B", name="b"))
    return {"country": {"A": ("A", "a", None), "B": ("B", "b", None)}}


def _changes(case: Case) -> list[Change]:
    return [
        case.update("country", "A", name="changed", population=7),
        case.add("country", code="C", name="c"),
        case.remove("country", "B"),
    ]
