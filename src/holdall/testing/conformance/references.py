"""References and stored lists of them: written, read, pointed elsewhere and emptied."""

from __future__ import annotations

from holdall.query import ALWAYS, And, Compare, Every, FieldSchema, Kind, ManyForm, Not, Op, Query, Schema, Some, Value
from holdall.store import Change, Feature, Members, Provisioned, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["References"]


class References:
    """Fields that lead to other records; conditions through them are drawn by ``Generated``."""

    @requires(Kind.REF)
    def test_references(self, case: Case) -> None:
        """A reference comes back as the key it was given, also one of several parts, and can be moved and cut."""
        case.load()
        tried = 0
        for name, schema in case.schemas.items():
            case.expect(Query(name))
            for field in schema.stored:
                if field.kind is Kind.REF and field.target is not None:
                    target = case.tables[field.target]
                    own = schema.key_of(case.tables[name].rows[0])
                    for key in (*(target.schema.key_of(row) for row in target.rows[:3]), None):
                        case.apply_or_raise(case.update(name, own, **{field.name: key}))
                        assert case.column(name, field.name)[own] == key
                        tried += 1
        assert tried

    @requires(Kind.MANY, Feature.STORED_MANY)
    def test_stored_many(self, case: Case) -> None:
        """A list comes back in its order and a set whole; a shorter one leaves nothing of a longer one behind."""
        case.load()
        tried = 0
        for name, schema in case.schemas.items():
            for field in schema.stored:
                if field.kind is Kind.MANY and field.target is not None:
                    target = case.tables[field.target]
                    keys = [target.schema.key_of(row) for row in target.rows[:3]]
                    before = case.column(name, field.name)
                    own = schema.key_of(case.tables[name].rows[0])
                    for content in (keys, keys[::-1], keys[1:2], [], keys[1:]):
                        case.apply_or_raise(case.update(name, own, **{field.name: tuple(content)}))
                        found = list(case.column(name, field.name)[own])
                        if field.form is ManyForm.SET:
                            found, content = sorted(found), sorted(content)
                        assert found == content
                        tried += 1
                    after = case.column(name, field.name)
                    assert after | {own: ()} == before | {own: ()}
        assert tried

    @requires(Kind.MANY, Feature.STORED_MANY, Feature.MEMBERS)
    def test_members_come_and_go(self, case: Case) -> None:
        """Two who change one list, neither knowing of the other, both have their way."""
        case.load()
        tried = 0
        for name, schema in case.schemas.items():
            for field in schema.stored:
                if field.kind is Kind.MANY and field.target is not None:
                    target = case.tables[field.target]
                    one, two, three = (target.schema.key_of(row) for row in target.rows[:3])
                    own = schema.key_of(case.tables[name].rows[0])
                    case.apply_or_raise(case.update(name, own, **{field.name: (one,)}))
                    for wanted in ((one, two), (one, three), ()):
                        case.apply_or_raise(case.update(name, own, **{field.name: Members.of(wanted, (one,))}))
                    assert set(case.column(name, field.name)[own]) == {two, three}
                    tried += 1
        assert tried

    @requires(Kind.MANY, Kind.INT, Kind.STR, Feature.STORED_MANY, Feature.MANY_CONDITIONS, Feature.KEY_LISTS)
    def test_lists_of_keys_kept_for_another_store(self, case: Case) -> None:
        """A condition over a list whose records are in another store speaks of their keys, whether these exist."""
        places = {"one": ("id",), "two": ("street", "number")}
        kinds = {"id": Kind.INT, "street": Kind.STR, "number": Kind.INT}
        wanted: dict[str, tuple[Value, Value, Value]] = {"one": (7, 8, 9), "two": (("a", 1), ("a", 2), ("b", 1))}
        for name, key in places.items():
            parts = tuple([FieldSchema(part, kinds[part]) for part in key])
            many = FieldSchema("places", Kind.MANY, target="elsewhere", target_key=parts, form=ManyForm.SET)
            collection = f"holder_of_{name}"
            case.store.bind([Schema(collection, (FieldSchema("id", Kind.INT), many), ("id",))])
            if isinstance(case.store, Provisioned):
                case.run(case.store.create())
            first, second, third = wanted[name]
            lists: list[tuple[Value, ...]] = [(first, second), (second,), ()]
            changes = [
                Change(Verb.ADD, collection, number, ("id", "places"), (number, held))
                for number, held in enumerate(lists)
            ]
            case.apply_or_raise(*changes)
            values = first if isinstance(first, tuple) else (first,)
            conditions = [Compare((part,), Op.EQ, value) for part, value in zip(key, values, strict=True)]
            is_first = conditions[0] if len(conditions) == 1 else And(tuple(conditions))
            for condition, expected in (
                (Some(("places",), is_first), [0]),
                (Not(Some(("places",), is_first)), [1, 2]),
                (Every(("places",), is_first), [2]),
                (Some(("places",), Not(is_first)), [0, 1]),
                (Some(("places",), ALWAYS), [0, 1]),
                (
                    Some(("places",), Compare((key[-1],), Op.IN, (third[-1] if isinstance(third, tuple) else third,))),
                    None,
                ),
            ):
                found = sorted(row[0] for row in case.fetch(Query(collection, condition)))
                assert expected is None or found == expected, (name, condition)
