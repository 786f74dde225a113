"""Histories: groups of changes drawn at random, good and bad, beside a dictionary that does the same."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import strategies as st

from holdall.errors import Conflict
from holdall.query import AnyQuery, Kind, Row, Table, Value
from holdall.store import Change, CommitClass, Feature, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.strategies import queries, values

__all__ = ["Histories"]

_CODES = ("a", "b", "c", "A", "é")
_Rows = dict[str, dict[Any, tuple[Any, ...]]]


class Histories:
    """The content of a store after many applies."""

    histories = 25
    """How many histories, or whole contents, a test draws."""

    def test_any_history(self, case: Case) -> None:
        """After each apply the store holds what the dictionary holds: all of the group, or nothing of one refused."""
        if case.store.capabilities.commit not in (CommitClass.TX, CommitClass.BATCH):
            return
        drawn_alike(case, "history", _histories, self.histories, partial(_live, case))

    def test_any_sample(self, case: Case) -> None:
        """Records with any values come back as they are, once added and once updated."""
        drawn_alike(case, "samples", partial(_samples, case), self.histories, partial(_keep, case))

    @requires(Feature.FILTER, Feature.SORT, Feature.OFFSET, Feature.KEYSET, Feature.PROJECTION, Feature.RELATIONS)
    def test_any_content(self, case: Case) -> None:
        """Queries on contents drawn at random, references among them leading nowhere where the store lets them."""
        drawn_alike(case, "content", partial(_asked, case), self.histories, partial(_ask, case))


@st.composite
def _groups(draw: st.DrawFn) -> list[tuple[Verb, str, str, int | None]]:
    change = st.tuples(
        st.sampled_from(Verb), st.sampled_from(_CODES), st.sampled_from(("", "x", "y")), st.none() | st.integers(-3, 3)
    )
    return draw(st.lists(change, min_size=1, max_size=6))


def _live(case: Case, history: list[list[tuple[Verb, str, str, int | None]]]) -> None:
    case.clear()
    held: dict[Any, tuple[Value, ...]] = {}
    for group in history:
        after, is_refused = dict(held), False
        changes: list[Change] = []
        for verb, code, name, population in group:
            is_refused |= (verb is Verb.ADD) is (code in after)
            if verb is Verb.REMOVE:
                changes.append(case.remove("country", code))
                after.pop(code, None)
            else:
                make = case.add("country", code=code, name=name, population=population)
                changes.append(
                    make if verb is Verb.ADD else case.update("country", code, name=name, population=population)
                )
                after[code] = (code, name, population)
        try:
            case.apply(*changes)
        except Conflict:
            assert is_refused, f"refused without reason: {changes}"
        else:
            assert not is_refused, f"not refused: {changes}"
            held = after
        case.holds({"country": held})


def _samples(case: Case) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    fields = case.schemas["sample"].stored[1:]
    row = st.tuples(*(st.none() | values(field) if field.nullable else values(field) for field in fields))
    return st.lists(row, min_size=1, max_size=4)


def _keep(case: Case, rows: list[tuple[Value, ...]]) -> None:
    case.clear()
    fields = tuple(field.name for field in case.schemas["sample"].stored)
    case.apply(*(Change(Verb.ADD, "sample", n, fields, (n, *row)) for n, row in enumerate(rows)))
    case.holds({"sample": {n: (n, *row) for n, row in enumerate(rows)}})
    turned = [rows[(n + 1) % len(rows)] for n in range(len(rows))]
    case.apply(*(Change(Verb.UPDATE, "sample", n, fields[1:], row) for n, row in enumerate(turned)))
    case.holds({"sample": {n: (n, *row) for n, row in enumerate(turned)}})


def _histories() -> st.SearchStrategy[list[list[tuple[Verb, str, str, int | None]]]]:
    return st.lists(_groups(), min_size=1, max_size=6)


@st.composite
def _asked(draw: st.DrawFn, case: Case) -> tuple[dict[str, list[Row]], list[AnyQuery]]:
    """Rows of each collection, and queries on them."""
    content = draw(_contents(case))
    many = case.declares(Feature.MANY_CONDITIONS)
    asked = queries(content, case.store.capabilities.operators, 2, many)
    return {name: list(table.rows) for name, table in content.items()}, [draw(asked) for _ in range(5)]


def _ask(case: Case, drawn: tuple[dict[str, list[Row]], list[AnyQuery]]) -> None:
    content, asked = drawn
    case.load({name: Table(case.schemas[name], rows) for name, rows in content.items()})
    for query in asked:
        case.expect(query)


@st.composite
def _contents(draw: st.DrawFn, case: Case) -> dict[str, Table]:
    """Few records of each collection; references point at those before them, or anywhere where nothing keeps them."""
    dangling = not case.declares(Feature.FOREIGN_KEYS)
    keys: dict[str, list[Value]] = {
        "country": list(_CODES),
        "author": [1, 2, 3, 4],
        "shelf": [("a", 1), ("a", 2), ("b", 1)],
    }
    kept = {name: draw(st.lists(st.sampled_from(known), unique=True)) for name, known in keys.items()}
    tables: dict[str, Table] = {}
    for name, schema in case.schemas.items():
        rows: dict[Any, tuple[Value, ...]] = {}
        own = st.lists(values(schema.by_name[schema.key[0]]), max_size=3, unique=True)
        for key in kept[name] if name in kept else draw(own):
            parts = dict(zip(schema.key, key if len(schema.key) > 1 else (key,), strict=True))
            row = []
            for field in schema.stored:
                targets = keys.get(field.target or "", []) if dangling else kept.get(field.target or "", [])
                if field.name in parts:
                    row.append(parts[field.name])
                elif field.kind is Kind.REF:
                    row.append(draw(st.none() | st.sampled_from(targets)) if targets else None)
                elif field.kind is Kind.MANY:
                    row.append(tuple(draw(st.lists(st.sampled_from(targets), unique=True))) if targets else ())
                elif any(field.name in group for group in schema.unique):
                    row.append(f"{len(rows)}" if field.kind is Kind.STR else len(rows))
                else:
                    row.append(draw(st.none() | values(field) if field.nullable else values(field)))
            rows[key] = tuple(row)
        tables[name] = Table(schema, list(rows.values()))
    return tables
