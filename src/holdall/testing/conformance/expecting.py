"""Changes of what is as expected: every value that was read is expected rightly, and every other is refused."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec
import pytest

from holdall.errors import HoldallError, StaleVersion
from holdall.query import Query, Schema, Value
from holdall.store import Change, CommitClass, Expected, Feature, Hold, Members, Row, Transactional, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.commits import Commits, CommitsOfATest
from holdall.testing.conformance.requires import requires

__all__ = ["Expecting", "expected_of"]

_WRITERS = 8


class Expecting(CommitsOfATest):
    """``Change.expected``."""

    @requires(Feature.EXPECTED)
    def test_what_was_read_isexpected_of(self, case: Case) -> None:
        """A record whose values are all expected as they were read is changed; with any other value it is not."""
        case.load()
        for name, schema in case.schemas.items():
            rows = case.fetch(Query(name))
            for row in rows[:6]:
                case.apply_or_raise(_same(schema, row))
            before = case.content()
            for place, field in enumerate(schema.stored):
                pair = _differing(rows, place)
                if pair is None or field.name in schema.key:
                    continue
                row, other = pair
                change = _same(schema, row, {field.name: other[place]})
                with pytest.raises(StaleVersion) as caught:
                    case.apply_or_raise(change)
                assert (caught.value.collection, caught.value.key) == (name, change.key)
            case.holds(before)

    @requires(Feature.EXPECTED)
    def test_another_came_first(self, case: Case) -> None:
        """A change that expects values read before is refused once the record has others, is gone, or is made again."""
        case.clear()
        case.apply(case.add("country", code="A", name="a", population=1), case.add("country", code="B", name="b"))
        schema = case.schemas["country"]
        change, removal = (
            msgspec.structs.replace(change, expected=expected_of(schema, ("A", "a", 1)))
            for change in (case.update("country", "A", name="x"), case.remove("country", "A"))
        )
        case.apply(case.update("country", "A", population=None))
        before = case.content()
        for refused in (change, removal):
            with pytest.raises(StaleVersion):
                case.apply_or_raise(refused)
        case.holds(before)
        case.apply(case.remove("country", "A"))
        for refused in (change, removal):
            with pytest.raises(StaleVersion):
                case.apply_or_raise(refused)
        case.apply(case.add("country", code="A", name="other", population=1))
        for refused in (change, removal):
            with pytest.raises(StaleVersion):
                case.apply_or_raise(refused)
        case.holds({"country": {"A": ("A", "other", 1), "B": ("B", "b", None)}})
        case.apply(msgspec.structs.replace(removal, expected=expected_of(schema, ("A", "other", 1))))
        case.holds({"country": {"B": ("B", "b", None)}})

    @requires(Feature.EXPECTED)
    def test_one_of_several_at_once(self, case: Case) -> None:
        """Of writers who expect the same at the same time one goes first, and the others are refused."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        expected = expected_of(case.schemas["country"], ("A", "a", None))

        async def write(number: int) -> int | None:
            change = case.update("country", "A", name=f"by {number}")
            if number % 2:
                change = msgspec.structs.replace(change, fields=("population",), values=(number,))
            try:
                outcomes = await case.store.apply([msgspec.structs.replace(change, expected=expected)])
            except StaleVersion:
                return None
            return None if isinstance(outcomes[0].error, StaleVersion) else number

        async def race() -> list[int | None]:
            return await asyncio.gather(*map(write, range(_WRITERS)))

        for _ in range(5):
            winners = [number for number in case.run(race()) if number is not None]
            assert len(winners) == 1, f"{len(winners)} of {_WRITERS} wrote what each of them expected to be there"
            number = winners[0]
            row = ("A", "a", number) if number % 2 else ("A", f"by {number}", None)
            case.holds({"country": {"A": row}})
            case.apply(case.update("country", "A", name="a", population=None))

    @requires(Feature.EXPECTED, Feature.UNIQUE, Feature.MEMBERS)
    def test_what_the_same_changes_move_is_expected_as_it_was(self, case: Case) -> None:
        """Unique values that pass on, and members that come and go, are compared before anything of that is done."""
        if case.store.capabilities.commit not in (CommitClass.TX, CommitClass.BATCH):
            return
        case.clear()
        one, two = UUID(int=1), UUID(int=2)
        case.apply(
            *(case.add("country", code=code, name=code) for code in ("A", "B", "C")),
            case.add("book", id=one, title="a", isbn="1", sold_in=("A", "B")),
            case.add("book", id=two, title="b", isbn="2"),
        )
        schema = case.schemas["book"]
        before = {key: expected_of(schema, row) for key, row in case.rows("book").items()}
        passed = [
            case.update("book", one, isbn="2", sold_in=Members.of(("B", "C"), ("A", "B"))),
            case.update("book", two, isbn="1"),
        ]
        changes = [msgspec.structs.replace(change, expected=before[change.key]) for change in passed]
        case.apply_or_raise(*changes)
        with pytest.raises(StaleVersion):
            case.apply_or_raise(*changes)
        assert case.column("book", "isbn") == {one: "2", two: "1"}
        assert set(case.column("book", "sold_in")[one]) == {"B", "C"}

    @requires(Feature.EXPECTED, Transactional)
    def test_in_a_transaction(self, case: Case) -> None:
        """A transaction expects what it has written itself."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store, schema = case.store, case.schemas["country"]
        assert isinstance(store, Transactional)
        mine = _same(schema, ("A", "mine", None), given={"population": 3})

        async def work() -> None:
            async with store.transaction() as transaction:
                await transaction.apply([case.update("country", "A", name="mine")])
                await transaction.apply([mine])

        case.run(work())
        case.holds({"country": {"A": ("A", "mine", 3)}})
        with pytest.raises(HoldallError):
            case.run(work())

    @requires(Feature.EXPECTED)
    def test_a_vote_expects(self, case: Case, commits: Commits) -> None:
        """A part of a commit over several stores is refused when it is prepared, and holds nothing then."""
        if commits.hold is Hold.NONE:
            return
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        schema = case.schemas["country"]
        for is_right in (False, True):
            change = _same(schema, ("A", "a" if is_right else "other", None), given={"name": "voted"})
            reservation = commits.begin()
            if not is_right:
                with pytest.raises(StaleVersion):
                    commits.prepare(reservation, change)
                assert commits.held() == {}
                continue
            commits.prepare(reservation, change)
            assert commits.commit(reservation.commit, change) is True
        case.holds({"country": {"A": ("A", "voted", None)}})


def expected_of(schema: Schema, row: Row, others: dict[str, Value] | None = None) -> Expected:
    """All values of a row but its key's, some of them others. Example: :class:`Expected`."""
    values = {field.name: row[schema.positions[field.name]] for field in schema.stored if field.name not in schema.key}
    values.update(others or {})
    return Expected(tuple(values), tuple(values.values()))


def _same(
    schema: Schema, row: Row, others: dict[str, Value] | None = None, given: dict[str, Value] | None = None
) -> Change:
    """A change that gives one field the value it has, or these, where the row is expected, some values others."""
    name = next(field.name for field in schema.stored if field.name not in schema.key)
    given = given or {name: row[schema.positions[name]]}
    expected = expected_of(schema, row, others)
    key = schema.key_of(row)
    return Change(Verb.UPDATE, schema.name, key, tuple(given), tuple(given.values()), expected=expected)


def _differing(rows: list[Row], place: int) -> tuple[Row, Row] | None:
    """Two rows that have different values there, if there are any."""
    return next(((row, other) for row in rows for other in rows if row[place] != other[place]), None)
