"""Checks: changes that compare a record and write nothing, by themselves and beside what is written."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from holdall.errors import LockConflict, Reserved, StaleVersion
from holdall.query import Query
from holdall.store import Change, CommitClass, Feature, Hold, Transactional, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.commits import Commits, CommitsOfATest
from holdall.testing.conformance.expecting import expected_of
from holdall.testing.conformance.requires import requires

__all__ = ["Checking"]

_TRIES = 6
_REFUSED = (StaleVersion, Reserved, LockConflict)


class Checking(CommitsOfATest):
    """An UPDATE of no fields."""

    @requires(Feature.CHECKS)
    def test_a_check_holds_where_the_record_is_as_expected(self, case: Case) -> None:
        """Every record is as it was read, and nothing is written; it is refused where a record is gone."""
        case.load()
        before = case.content()
        for name, schema in case.schemas.items():
            for row in case.fetch(Query(name))[:6]:
                key = schema.key_of(row)
                case.apply_or_raise(Change(Verb.UPDATE, name, key))
                case.apply_or_raise(Change(Verb.UPDATE, name, key, expected=expected_of(schema, row)))
                if schema.version is not None:
                    version = row[schema.positions[schema.version]]
                    case.apply_or_raise(Change(Verb.UPDATE, name, key, version=version))
        case.holds(before)
        with pytest.raises(StaleVersion) as caught:
            case.apply_or_raise(Change(Verb.UPDATE, "country", "no such"))
        assert (caught.value.collection, caught.value.key) == ("country", "no such")

    @requires(Feature.CHECKS)
    def test_a_check_is_refused_with_all_that_is_applied_with_it(self, case: Case) -> None:
        """Of a record with other values or of another version; what is written beside it is not."""
        case.clear()
        case.apply(
            case.add("country", code="A", name="a"),
            case.add("country", code="B", name="b"),
        )
        schema = case.schemas["country"]
        right, wrong = (
            Change(Verb.UPDATE, "country", "A", expected=expected_of(schema, ("A", name, None))) for name in "ax"
        )
        written = case.update("country", "B", name="written")
        before = case.content()
        for changes in ([written, wrong], [wrong, written]):
            with pytest.raises(StaleVersion) as caught:
                case.apply_or_raise(*changes)
            assert caught.value.key == "A"
            case.holds(before)
        case.apply_or_raise(written, right)
        case.holds({"country": {"A": ("A", "a", None), "B": ("B", "written", None)}})

    @requires(Feature.CHECKS, Feature.VERSIONS)
    def test_a_version_is_compared_and_not_counted(self, case: Case) -> None:
        """The record keeps the version that it has."""
        case.load()
        for name, schema in case.schemas.items():
            if schema.version is None:
                continue
            before = case.content()
            for row in case.fetch(Query(name))[:3]:
                key, version = schema.key_of(row), row[schema.positions[schema.version]]
                case.apply_or_raise(Change(Verb.UPDATE, name, key, version=version))
                with pytest.raises(StaleVersion):
                    case.apply_or_raise(Change(Verb.UPDATE, name, key, version=version + 1))
            case.holds(before)

    @requires(Feature.CHECKS)
    def test_what_is_checked_stays_so_until_what_is_written_beside_it_lasts(self, case: Case) -> None:
        """Of two who each write what the other checks, at most one succeeds, however they meet."""
        if case.store.capabilities.commit not in (CommitClass.TX, CommitClass.BATCH):
            return
        schema = case.schemas["country"]
        expected = {code: expected_of(schema, (code, "free", None)) for code in "AB"}

        async def write(mine: str, other: str) -> bool:
            check = Change(Verb.UPDATE, "country", other, expected=expected[other])
            change = msgspec.structs.replace(case.update("country", mine, name="taken"), expected=expected[mine])
            try:
                outcomes = await case.store.apply([change, check])
            except _REFUSED:
                return False
            return all(outcome.error is None for outcome in outcomes)

        async def race() -> tuple[bool, bool]:
            return await asyncio.gather(write("A", "B"), write("B", "A"))

        for _ in range(_TRIES):
            case.clear()
            case.apply(*(case.add("country", code=code, name="free") for code in "AB"))
            done = case.run(race())
            names = case.column("country", "name")
            assert sum(done) <= 1, "both wrote, though each had seen that the other had not"
            assert sorted(names.values()) == (["free", "taken"] if sum(done) else ["free", "free"])

    @requires(Feature.CHECKS, Transactional)
    def test_in_a_transaction_it_is_compared_with_what_that_wrote(self, case: Case) -> None:
        """The transaction's own changes are seen."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store, schema = case.store, case.schemas["country"]
        assert isinstance(store, Transactional)

        async def work(name: str) -> None:
            async with store.transaction() as transaction:
                await transaction.apply([case.update("country", "A", name="mine")])
                await transaction.apply(
                    [Change(Verb.UPDATE, "country", "A", expected=expected_of(schema, ("A", name, None)))]
                )

        with pytest.raises(StaleVersion):
            case.run(work("a"))
        case.holds({"country": {"A": ("A", "a", None)}})
        case.run(work("mine"))
        case.holds({"country": {"A": ("A", "mine", None)}})

    @requires(Feature.CHECKS)
    def test_what_was_checked_is_held(self, case: Case, commits: Commits) -> None:
        """A part of a commit over several stores that only compares keeps others from the record until its end."""
        if commits.hold is Hold.NONE:
            return
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        schema = case.schemas["country"]
        wrong, right = (
            Change(Verb.UPDATE, "country", "A", expected=expected_of(schema, ("A", name, None))) for name in "xa"
        )
        with pytest.raises(StaleVersion):
            commits.prepare(commits.begin(), wrong)
        for is_committed in (True, False):
            reservation = commits.begin()
            commits.prepare(reservation, right)
            commits.refuses([reservation.commit], case.apply_or_raise, case.update("country", "A", name="x"))
            if is_committed:
                assert commits.commit(reservation.commit, right) is True
            else:
                commits.commit(reservation.commit)  # as by somebody who knows only what was to be written
                commits.roll_back(reservation.commit)
            assert commits.held() == {}
            case.holds({"country": {"A": ("A", "a", None)}})
