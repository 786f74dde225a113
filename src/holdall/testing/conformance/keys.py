"""Keys: counted by the store, of several fields, and named before they are made."""

from __future__ import annotations

from uuid import UUID

import pytest

from holdall.errors import AlreadyExists, QueryError, StaleVersion, StoreError
from holdall.query import Compare, Op, Query, SortKey, Value
from holdall.store import APPLIED, Change, Feature, KeyOf, Naming, Provisioned, Reserving, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.fitting import schema_needing
from holdall.testing.conformance.requires import requires
from holdall.testing.pool import OBJECT_IDS

__all__ = ["Keys"]


class Keys:
    """Keys of added records: given, generated, of several parts, taken."""

    @requires(Feature.GENERATED_KEYS)
    def test_generated(self, case: Case) -> None:
        """The store makes a key for each record that has none, and tells it; keys are never made twice."""
        case.clear()
        outcomes = case.apply(*(case.add("author", name=f"n{n}", version=1) for n in range(20)))
        keys = [outcome.key for outcome in outcomes]
        assert all(type(key) is int for key in keys)
        assert len(set(keys)) == 20
        case.holds({"author": {key: _author(case, id=key, name=f"n{n}", version=1) for n, key in enumerate(keys)}})
        (after,) = case.apply(case.add("author", name="later", version=1))
        assert after.key not in keys

    @requires(Feature.GENERATED_KEYS)
    def test_given_instead_of_generated(self, case: Case) -> None:
        """A key that is given is kept, not reported, and not made a second time for somebody else."""
        case.clear()
        (made,) = case.apply(case.add("author", name="made", version=1))
        given = made.key + 2
        assert list(case.apply(case.add("author", id=given, name="given", version=1))) == [APPLIED]
        more = case.apply(*(case.add("author", name=f"more {n}", version=1) for n in range(4)))
        keys = {made.key, given, *(outcome.key for outcome in more)}
        assert len(keys) == 6
        assert {row[0] for row in case.fetch(Query("author"))} == keys

    @requires(Feature.GENERATED_PARTS)
    def test_generated_part(self, case: Case) -> None:
        """The store makes the part of a key that is not given, and tells the whole key; one that is given is kept."""
        schema = schema_needing(Feature.GENERATED_PARTS)
        assert schema is not None
        case.store.bind([schema])
        if isinstance(case.store, Provisioned):
            case.run(case.store.create())
        made = [case.run(case.store.apply([_part_of(part)]))[0].key for part in (1, 1, 2)]
        assert [key[0] for key in made] == [1, 1, 2]
        assert len(set(made)) == 3
        given = (2, max(key[1] for key in made) + 5)
        assert list(case.run(case.store.apply([_part_of(*given)]))) == [APPLIED]
        assert set(case.fetch(Query(schema.name))) == {*made, given}

    @requires(Reserving)
    def test_reserved_before_its_record(self, case: Case) -> None:
        """A key that was reserved is nobody else's, and fits the record it is given to later."""
        case.clear()
        store = case.store
        assert isinstance(store, Reserving)
        (first,) = case.apply(case.add("author", name="before", version=1))
        reserved = [*case.run(store.reserve("author", 3)), *case.run(store.reserve("author", 1))]
        (after,) = case.apply(case.add("author", name="after", version=1))
        assert len({first.key, *reserved, after.key}) == 6
        assert list(case.apply(case.add("author", id=reserved[1], name="reserved", version=1))) == [APPLIED]
        (last,) = case.apply(case.add("author", name="last", version=1))
        assert last.key not in {first.key, *reserved, after.key}
        assert {row[0] for row in case.fetch(Query("author"))} == {first.key, after.key, reserved[1], last.key}

    @requires(Naming)
    def test_names(self, case: Case) -> None:
        """Every record has a name of its own, told without a look at what is there."""
        store = case.store
        assert isinstance(store, Naming)
        names = [store.names_of(collection, key) for collection in ("author", "book") for key in (1, 2)]
        assert all(names)
        assert len({own[0] for own in names}) == 4

    @requires(Feature.GENERATED_KEYS)
    def test_key_of(self, case: Case) -> None:
        """A change may name the key that an earlier add of the same apply is going to get."""
        case.clear()
        outcomes = case.apply(
            case.add("author", name="teacher", version=1),
            case.add("country", code="FR", name="France"),
            case.add("author", name="pupil", mentor=KeyOf(0), version=1),
            case.add("author", name="pupil's pupil", mentor=KeyOf(2), version=1),
            Change(Verb.UPDATE, "author", KeyOf(0), ("name",), ("Teacher",)),
        )
        first, second, third = (outcomes[place].key for place in (0, 2, 3))
        case.holds(
            {
                "country": {"FR": ("FR", "France", None)},
                "author": {
                    first: _author(case, id=first, name="Teacher", version=1),
                    second: _author(case, id=second, name="pupil", mentor=first, version=1),
                    third: _author(case, id=third, name="pupil's pupil", mentor=second, version=1),
                },
            }
        )

    @requires(Feature.GENERATED_KEYS)
    def test_many_keys_of(self, case: Case) -> None:
        """The same for a large group: a hundred authors, each with the one before as mentor."""
        case.clear()
        adds = [case.add("author", name=f"{n}", mentor=KeyOf(n - 1) if n else None, version=1) for n in range(100)]
        keys = [outcome.key for outcome in case.apply(*adds)]
        expected = {
            key: _author(case, id=key, name=f"{n}", mentor=keys[n - 1] if n else None, version=1)
            for n, key in enumerate(keys)
        }
        case.holds({"author": expected})

    @requires(Feature.GENERATED_KEYS)
    def test_several_kinds_of_changes_of_what_is_added(self, case: Case) -> None:
        """Records of the same apply are changed twice, each time in other fields."""
        case.clear()
        first, second = [
            outcome.key
            for outcome in case.apply(
                case.add("author", name="one", version=1),
                case.add("author", name="two", version=1),
                Change(Verb.UPDATE, "author", KeyOf(0), ("mentor",), (KeyOf(1),)),
                Change(Verb.UPDATE, "author", KeyOf(0), ("name",), ("One",)),
                Change(Verb.UPDATE, "author", KeyOf(1), ("name",), ("Two",)),
            )[:2]
        ]
        case.holds(
            {
                "author": {
                    first: _author(case, id=first, name="One", mentor=second, version=1),
                    second: _author(case, id=second, name="Two", version=1),
                }
            }
        )

    @requires(Feature.GENERATED_KEYS)
    def test_key_of_what_is_no_earlier_add(self, case: Case) -> None:
        """A KeyOf of the change itself, of one that is none, or of no add is refused by one class of error."""
        case.clear()
        (outcome,) = case.apply(case.add("author", name="there", version=1))
        wrong = [
            (case.add("author", name="itself", mentor=KeyOf(0), version=1),),
            (case.add("author", name="nobody", mentor=KeyOf(7), version=1),),
            (
                case.update("author", outcome.key, name="there"),
                case.add("author", name="changed", mentor=KeyOf(0), version=1),
            ),
        ]
        for changes in wrong:
            with pytest.raises(StoreError, match="no earlier ADD"):
                case.apply_or_raise(*changes)
            assert [row[1] for row in case.rows("author").values()] == ["there"]

    @requires(Feature.COMPOSITE_KEYS)
    def test_composite(self, case: Case) -> None:
        """A record whose key has two fields, beside others that share one of them."""
        case.clear()
        places = [("a", 1), ("a", 2), ("b", 1), ("", 0), ("a ", 1), ("A", 1)]
        case.apply(*(case.add("shelf", room=room, number=number, label="x") for room, number in places))
        case.apply(case.update("shelf", ("a", 1), label="changed"), case.remove("shelf", ("b", 1)))
        with pytest.raises(AlreadyExists):
            case.apply_or_raise(case.add("shelf", room="a", number=2))
        with pytest.raises(StaleVersion):
            case.apply_or_raise(case.update("shelf", ("b", 1), label="y"))
        expected = {place: (*place, "changed" if place == ("a", 1) else "x", None) for place in places}
        del expected["b", 1]
        keeper = "keeper" in case.schemas["shelf"].by_name
        case.holds({"shelf": {place: row if keeper else row[:3] for place, row in expected.items()}})

    def test_keys_of_every_sort(self, case: Case) -> None:
        """Text keys that differ in case, accent or a blank at the end are different; UUID keys come back as given."""
        case.clear()
        codes = ("a", "A", "a ", " a", "à", "", "%", "_", "ß", "ss", "日", "😀")
        case.apply(*(case.add("country", code=code, name=code) for code in codes))
        case.apply(*(case.update("country", code, population=n) for n, code in enumerate(codes)))
        case.holds({"country": {code: (code, code, n) for n, code in enumerate(codes)}})
        if "book" in case.schemas:
            case.clear()
            ids = [UUID(int=0), UUID(int=2**128 - 1), UUID("01890a5d-ac96-774b-bcce-b302099a8057")]
            case.apply(*(case.add("book", id=key, title="t") for key in ids))
            assert {row[0] for row in case.fetch(Query("book"))} == set(ids)

    @requires(Feature.FILTER, Feature.SORT, Op.LT, Op.IN)
    def test_object_ids(self, case: Case) -> None:
        """ObjectIds are found, compared and sorted by their text, as keys, in references and in other fields."""
        case.load()
        case.expect(Query("note", sort_keys=(SortKey(("id",), True),)))
        for value in OBJECT_IDS:
            for op in (Op.EQ, Op.NE, Op.LT, Op.GE):
                case.expect_keys("note", Compare(("id",), op, value), Compare(("writer",), op, value))
            case.expect_keys("note", Compare(("about",), Op.EQ, value), Compare(("writer",), Op.IN, (value, "0" * 24)))
        case.apply(case.update("note", OBJECT_IDS[0], about=OBJECT_IDS[3]))
        found = case.fetch(Query("note", Compare(("about",), Op.EQ, OBJECT_IDS[3])))
        assert [row[0] for row in found] == [OBJECT_IDS[0]]

    @requires(Feature.FILTER, Op.CONTAINS, Op.EQ)
    def test_object_ids_are_no_text(self, case: Case) -> None:
        """Nothing looks into an ObjectId, and nothing else is compared with one."""
        for wrong in (
            Compare(("id",), Op.CONTAINS, "0"),
            Compare(("writer",), Op.STARTSWITH, "5f"),
            Compare(("id",), Op.EQ, "5F" * 12),
            Compare(("about",), Op.EQ, "x"),
        ):
            with pytest.raises(QueryError):
                case.fetch(Query("note", wrong))


def _author(case: Case, **values: object) -> tuple[Value, ...]:
    return tuple(values.get(field.name) for field in case.schemas["author"].stored)


def _part_of(*key: int) -> Change:
    return Change(Verb.ADD, "needing", key if len(key) > 1 else None, ("part", "id")[: len(key)], key)
