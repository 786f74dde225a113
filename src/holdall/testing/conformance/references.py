"""References and stored lists of them: written, read, pointed elsewhere and emptied."""

from __future__ import annotations

from holdall.query import Kind, ManyForm, Query
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["References"]


class References:
    """What fields that lead to other records hold; conditions through them are drawn by ``Generated``."""

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
