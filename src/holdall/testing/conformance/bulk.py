"""Bulk changes: all records that a query means are changed in one step, as ``evaluate`` and ``changes_of_rows`` say."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import strategies as st

from holdall.errors import LimitExceeded, ReferenceViolation, StoreError, UniqueViolation
from holdall.query import AnyQuery, Compare, Kind, Op, Query, SortKey, Table, evaluate, parse_condition
from holdall.store import (
    BulkChange,
    BulkChanging,
    Computed,
    Feature,
    Nesting,
    Row,
    Transactional,
    Verb,
    changes_of_rows,
)
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.exact import same_rows
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.pool import POOL
from holdall.testing.strategies import conditions

__all__ = ["BulkChanges"]


class _Undo(Exception):
    """Ends a transaction that must leave no trace."""


class BulkChanges:
    """``change_all`` of a transaction."""

    bulk_examples = 40
    """How many bulk changes a test draws."""

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_update_all(self, case: Case) -> None:
        """Each record that meets the condition gets the values, its version is counted up, and others stay."""
        case.clear()
        case.apply(
            case.add("country", code="FR", name="France"),
            *(case.add("author", id=key, name=f"n{key}", version=key) for key in range(1, 6)),
        )
        query: AnyQuery = Query("author", Compare(("id",), Op.GT, 2))
        assert _change(case, BulkChange(Verb.UPDATE, query, ("name", "country"), ("all", "FR"))) == 3
        assert case.column("author", "name") == {1: "n1", 2: "n2", 3: "all", 4: "all", 5: "all"}
        assert case.column("author", "version") == {1: 1, 2: 2, 3: 4, 4: 5, 5: 6}
        assert case.column("author", "country") == {1: None, 2: None, 3: "FR", 4: "FR", 5: "FR"}
        assert _change(case, BulkChange(Verb.UPDATE, query, ("country",), (None,))) == 3
        assert set(case.column("author", "country").values()) == {None}

    @requires(Feature.BULK_CHANGES, Transactional, Feature.EXPRESSIONS)
    def test_computed_values(self, case: Case) -> None:
        """A formula gives each record a value of its own, of what it had before; null where the formula is null."""
        case.clear()
        case.apply(*(case.add("country", code=f"c{n}", name=f"n{n}", population=n if n else None) for n in range(4)))
        for formula, expected in (
            ("add(population, 10)", [None, 11, 12, 13]),
            ("mul(population, -2)", [None, -22, -24, -26]),
        ):
            condition = parse_condition(f"{formula} > 0")
            assert isinstance(condition, Compare)
            bulk = BulkChange(Verb.UPDATE, Query("country"), ("population", "name"), (Computed(condition.path), "same"))
            assert _change(case, bulk) == 4
            found = case.rows("country")
            assert [found[f"c{n}"] for n in range(4)] == [(f"c{n}", "same", expected[n]) for n in range(4)]

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_remove_all(self, case: Case) -> None:
        """Each record that meets the condition is gone, with its lists."""
        case.clear()
        case.apply(*(case.add("country", code=code, name=code) for code in "ABCD"))
        query: AnyQuery = Query("country", Compare(("code",), Op.IN, ("A", "C", "Z")))
        assert _change(case, BulkChange(Verb.REMOVE, query)) == 2
        assert set(case.rows("country")) == {"B", "D"}
        assert _change(case, BulkChange(Verb.REMOVE, Query("country"))) == 2
        case.holds({})

    @requires(Feature.BULK_CHANGES, Transactional, Feature.RELATIONS)
    def test_by_what_is_referred_to(self, case: Case) -> None:
        """Conditions may lead to other records, those of the same collection too."""
        case.clear()
        case.apply(
            *(case.add("country", code=code, name=code) for code in "AB"),
            *(case.add("author", id=key, name="x", country="AB"[key % 2], version=1) for key in range(1, 7)),
        )
        case.apply(*(case.update("author", key, mentor=key - 1) for key in range(2, 7)))
        for path, value, changed in ((("country", "name"), "A", {2, 4, 6}), (("mentor", "country"), "A", {3, 5})):
            query: AnyQuery = Query("author", Compare(path, Op.EQ, value))
            name = ".".join(path)
            assert _change(case, BulkChange(Verb.UPDATE, query, ("name",), (name,))) == len(changed)
            assert {key for key, found in case.column("author", "name").items() if found == name} == changed
        leaves: AnyQuery = Query("author", Compare(("mentor", "id"), Op.EQ, 5))
        assert _change(case, BulkChange(Verb.REMOVE, leaves)) == 1
        assert set(case.rows("author")) == {1, 2, 3, 4, 5}

    @requires(Feature.BULK_CHANGES, Transactional, Feature.SORT, Feature.OFFSET)
    def test_the_first_of_them(self, case: Case) -> None:
        """A limit and an offset take a part of what meets the condition, in its order."""
        case.clear()
        case.apply(*(case.add("country", code=f"c{number}", name="x", population=-number) for number in range(9)))
        query: AnyQuery = Query("country").sort(SortKey(("population",))).offset(1).limit(3)
        assert _change(case, BulkChange(Verb.UPDATE, query, ("name",), ("low",))) == 3
        assert {key for key, name in case.column("country", "name").items() if name == "low"} == {"c7", "c6", "c5"}
        assert _change(case, BulkChange(Verb.REMOVE, query)) == 3
        assert len(case.rows("country")) == 6

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_no_more_than_asked(self, case: Case) -> None:
        """More records than ``most`` are refused, and none is changed."""
        case.clear()
        case.apply(*(case.add("country", code=f"c{number}", name="x") for number in range(5)))
        with pytest.raises(LimitExceeded):
            _change(case, BulkChange(Verb.UPDATE, Query("country"), ("name",), ("y",), most=4))
        with pytest.raises(LimitExceeded):
            _change(case, BulkChange(Verb.REMOVE, Query("country"), most=4))
        assert set(case.column("country", "name").values()) == {"x"}
        assert _change(case, BulkChange(Verb.UPDATE, Query("country"), ("name",), ("y",), most=5)) == 5

    @requires(Feature.BULK_CHANGES, Transactional, Feature.UNIQUE)
    def test_conflicts(self, case: Case) -> None:
        """A unique value that more than one would get, and a record that others refer to: refused, nothing is done."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"), case.add("author", name="x", country="A", version=1))
        pool = POOL[Kind.UUID]
        case.apply(*(case.add("book", id=pool[number], title="t", isbn=f"i{number}") for number in range(2)))
        with pytest.raises(UniqueViolation):
            _change(case, BulkChange(Verb.UPDATE, Query("book"), ("isbn",), ("same",)))
        assert set(case.column("book", "isbn").values()) == {"i0", "i1"}
        if Feature.FOREIGN_KEYS in case.store.capabilities.features:
            with pytest.raises(ReferenceViolation):
                _change(case, BulkChange(Verb.REMOVE, Query("country")))
            with pytest.raises(ReferenceViolation):
                _change(case, BulkChange(Verb.UPDATE, Query("author"), ("country",), ("Z",)))
        assert set(case.rows("country")) == {"A"}

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_keys_are_not_set(self, case: Case) -> None:
        """A key or a version is not among the values."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        for collection, name, value in (("country", "code", "B"), ("author", "version", 7)):
            with pytest.raises(StoreError):
                _change(case, BulkChange(Verb.UPDATE, Query(collection), (name,), (value,)))

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_undone_with_the_transaction(self, case: Case) -> None:
        """A bulk change is seen inside its transaction, and undone with it."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, BulkChanging)
                await transaction.apply([case.add("country", code="B", name="b")])
                if isinstance(transaction, Nesting):
                    with pytest.raises(_Undo):
                        async with transaction.savepoint():
                            await transaction.change_all(BulkChange(Verb.REMOVE, Query("country")))
                            raise _Undo
                assert await transaction.change_all(BulkChange(Verb.UPDATE, Query("country"), ("name",), ("x",))) == 2
                assert sorted(await transaction.fetch(Query("country"))) == [("A", "x", None), ("B", "x", None)]
                raise _Undo

        with pytest.raises(_Undo):
            case.run(work())
        case.holds({"country": {"A": ("A", "a", None)}})

    @requires(Feature.BULK_CHANGES, Transactional)
    def test_any_condition_and_value(self, case: Case) -> None:
        """Of every kind: what a drawn query means is what is changed, to drawn values."""
        if case.store.capabilities.kinds != frozenset(Kind):
            return

        case.load()
        drawn_alike(case, "bulk", partial(_bulks, case), self.bulk_examples, partial(_see_bulk, case))


@st.composite
def _bulks(draw: st.DrawFn, case: Case) -> BulkChange:
    """Any change of some of the samples."""
    schema = case.schemas["sample"]
    query: AnyQuery = Query("sample", draw(conditions(case.tables, "sample")))
    settable = [field for field in schema.stored if field.name not in schema.key]
    fields = draw(st.lists(st.sampled_from(settable), min_size=1, max_size=4, unique=True))
    values = [draw(st.sampled_from([*([None] if field.nullable else []), *POOL[field.kind]])) for field in fields]
    if draw(st.sampled_from([Verb.UPDATE, Verb.UPDATE, Verb.REMOVE])) is Verb.REMOVE:
        return BulkChange(Verb.REMOVE, query)
    return BulkChange(Verb.UPDATE, query, tuple([field.name for field in fields]), tuple(values))


def _see_bulk(case: Case, bulk: BulkChange) -> None:
    """See that the records that the change means are changed, and take it back."""
    rows = evaluate(bulk.query, case.tables)
    expected = _changed(bulk, case.tables["sample"], rows)
    number, found = -1, list[Row]()

    async def work() -> None:
        store = case.store
        assert isinstance(store, Transactional)
        async with store.transaction() as transaction:
            assert isinstance(transaction, BulkChanging)
            nonlocal number
            number = await transaction.change_all(bulk)
            found.extend(await transaction.fetch(Query("sample")))
            raise _Undo  # so that the records need not be loaded again

    with pytest.raises(_Undo):
        case.run(work())
    assert number == len(rows)
    same_rows(case.schemas["sample"].stored, found, expected, False, bulk)


def _changed(bulk: BulkChange, table: Table, rows: list[Row]) -> list[Row]:
    """The rows of a table after a bulk change of these."""
    schema = table.schema
    left = {schema.key_of(row): row for row in table.rows}
    for change in changes_of_rows(bulk, schema, rows):
        if change.verb is Verb.REMOVE:
            del left[change.key]
            continue
        row = list(left[change.key])
        for name, value in zip(change.fields, change.values, strict=True):
            row[schema.positions[name]] = value
        left[change.key] = tuple(row)
    return list(left.values())


def _change(case: Case, bulk: BulkChange) -> int:
    """Make one bulk change in a transaction of its own."""
    store = case.store
    case.remember_nothing()
    assert isinstance(store, Transactional)

    async def work() -> int:
        async with store.transaction() as transaction:
            assert isinstance(transaction, BulkChanging)
            return await transaction.change_all(bulk)

    return case.run(work())
