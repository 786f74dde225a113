"""Reading: every operator on every kind of field, alone and combined, against ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdall.errors import QueryError
from holdall.query import (
    ALWAYS,
    NEVER,
    And,
    AnyQuery,
    Compare,
    Condition,
    FieldSchema,
    Kind,
    Not,
    Op,
    Or,
    Query,
    Stated,
    operators_of,
)
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires, see_refusal
from holdall.testing.pool import POOL

__all__ = ["Reading"]

_FEW = 4  # comparisons, of which none is left out


class Reading:
    """Answers of ``fetch`` to conditions on a collection's own fields."""

    values_apart = 1
    """1: every operator is tried with every value. 2, 3: with a half or a third of them on each field, and with others
    on the next one and on the other field of the same kind.
    """

    def test_whole_collections(self, case: Case) -> None:
        """A query without a condition gives every record, values exactly as they were stored."""
        case.load()
        for name in case.schemas:
            case.expect(Query(name))

    @requires(Feature.FILTER)
    def test_always_and_never(self, case: Case) -> None:
        """Empty conjunctions and disjunctions, and their negations."""
        case.load()
        for condition in (ALWAYS, NEVER, Not(ALWAYS), Not(NEVER), And((NEVER, ALWAYS)), Or((NEVER, ALWAYS))):
            case.expect(Query("sample", condition))

    @pytest.mark.parametrize("op", list(Op))
    def test_operator(self, case: Case, op: Op) -> None:
        """The operator, and its negation, on every field it fits, with every value of the pool."""
        case.load()

        def ask() -> None:
            for place, field in enumerate(case.schemas["sample"].stored):
                uses = list(_uses(op, field))
                if len(uses) > _FEW:
                    first = place + field.nullable  # the fields of a kind are twelve places apart
                    uses = uses[first % self.values_apart :: self.values_apart]
                case.expect_keys("sample", *uses, *map(Not, uses))

        if case.declares(Feature.FILTER) and case.declares(op):
            try:
                ask()
            except BaseException:
                case.report.fails(op)
                raise
            case.report.passed(op)
        else:
            see_refusal(case, op if case.declares(Feature.FILTER) else Feature.FILTER)
            case.report.refuses(op)

    @pytest.mark.parametrize("kind", list(POOL))
    def test_kind(self, case: Case, kind: Kind) -> None:
        """Values of the kind come back as they went in; fields of a kind not declared are refused."""

        @requires(kind)
        def look(_: object, case: Case) -> None:
            case.load()
            case.expect(Query("sample"))
            if case.declares(Feature.PROJECTION):
                case.expect(Query("sample", projection=((f"some_{kind}",), (f"maybe_{kind}",))))

        look(self, case)

    @requires(Feature.FILTER, Op.EQ, Op.IN)
    def test_by_key(self, case: Case) -> None:
        """Records by their key, one and several, present and absent, asked for twice."""
        case.load()
        for name, schema in case.schemas.items():
            keys = [schema.key_of(row) for row in case.tables[name].rows]
            if len(schema.key) > 1:
                for key in keys:
                    parts = tuple(Compare((part,), Op.EQ, value) for part, value in zip(schema.key, key, strict=True))
                    assert len(case.expect(Query(name, And(parts)))) == 1
                continue
            path = (schema.key[0],)
            for key in keys[:5]:
                assert len(case.expect(Query(name, Compare(path, Op.EQ, key)))) == 1
            case.expect(Query(name, Compare(path, Op.IN, (*keys[:3], *keys[:2]))))
            case.expect(Query(name, Compare(path, Op.IN, ())))

    @requires(Feature.FILTER, Op.BETWEEN)
    def test_bounds_that_look_alike(self, case: Case) -> None:
        """Texts between two others, also where these differ in letter case alone; MariaDB's BETWEEN takes it for =."""
        case.load()
        for name, field in (("shelf", "room"), ("country", "code")):
            if case.keeps(f"{name}.{field}"):
                texts = sorted(set(case.column(name, field).values()))
                for low in texts:
                    for high in texts:
                        case.expect_keys(name, Compare((field,), Op.BETWEEN, (low, high)))

    @requires(Feature.STATEMENTS)
    def test_statements_of_another_language(self, case: Case) -> None:
        """A statement that is none of the store's own is refused with QueryError; what its own mean, its tests tell."""
        case.load()
        for name in case.schemas:
            with pytest.raises(QueryError):
                case.fetch(Query(name, Stated("of another language")))

    @requires(Feature.FILTER, Feature.PROJECTION, Op.EQ, Op.IN, Op.BETWEEN, Op.CONTAINS, Op.IS_NULL)
    def test_wrong_queries(self, case: Case) -> None:
        """A query that does not fit the collections is refused with QueryError before it is sent."""
        wrong: list[AnyQuery] = [
            Query("nowhere"),
            Query("sample", Compare(("nothing",), Op.EQ, 1)),
            Query("sample", Compare((), Op.EQ, 1)),
            Query("sample", Compare(("id",), Op.EQ, "1")),
            Query("sample", Compare(("id",), Op.EQ, True)),
            Query("sample", Compare(("id",), Op.EQ, None)),
            Query("sample", Compare(("id",), Op.EQ, 2**63)),
            Query("sample", Compare(("id",), Op.IN, (1, "2"))),
            Query("sample", Compare(("id",), Op.IN, 1)),
            Query("sample", Compare(("id",), Op.BETWEEN, (1,))),
            Query("sample", Compare(("id",), Op.CONTAINS, "1")),
            Query("sample", Compare(("id",), Op.IS_NULL, 1)),
            Query("sample", Compare(("id", "id"), Op.EQ, 1)),
            Query("sample", projection=(("nothing",),)),
            Query('sample"; drop table sample; --'),
        ]
        for query in wrong:
            with pytest.raises(QueryError):
                case.fetch(query)


def _uses(op: Op, field: FieldSchema) -> Iterator[Condition]:
    if op not in operators_of(field):
        return
    path, pool = (field.name,), POOL[field.kind]
    if op is Op.IS_NULL:
        yield from (Compare(path, op, True), Compare(path, op, False))
    elif op in (Op.IN, Op.NOT_IN):
        yield from (
            Compare(path, op, ()),
            Compare(path, op, pool[:1]),
            Compare(path, op, pool[1::2]),
            Compare(path, op, pool),
        )
    elif op is Op.BETWEEN:
        yield from (Compare(path, op, (low, high)) for low in pool[::3] for high in pool[::4])
    else:
        yield from (Compare(path, op, value) for value in pool)
