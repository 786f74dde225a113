"""Histories: groups of changes drawn at random, good and bad, beside a dictionary that does the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

from holdall.errors import Conflict
from holdall.query import AnyQuery, FieldSchema, Kind, Row, Schema, Table, Value
from holdall.store import Change, CommitClass, Feature, Verb
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.pool import OBJECT_IDS, POOL
from holdall.testing.strategies import queries, values

__all__ = ["Histories"]

_CODES = ("a", "b", "c", "A", "é")
_KEYS: dict[str, tuple[Value, ...]] = {
    "country": _CODES,
    "author": (1, 2, 3, 4),
    "shelf": (("a", 1), ("a", 2), ("b", 1)),
}
"""Of the collections that others refer to."""
_LIKELY = {kind: pool[:: len(pool) // 2 or 1][:3] for kind, pool in POOL.items()}
"""Some values of each kind that many records of a content have, so that queries find some of them and not all."""
_SUBSETS = {name: st.lists(st.sampled_from(keys), unique=True) for name, keys in _KEYS.items()}
_NOTHING: st.SearchStrategy[Value] = st.none()
_EMPTY: st.SearchStrategy[list[Value]] = st.builds(list)


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


def _asked(case: Case) -> st.SearchStrategy[tuple[dict[str, list[Row]], list[AnyQuery]]]:
    """Rows of each collection, and queries on them."""
    many = case.declares(Feature.MANY_CONDITIONS)
    asked = queries(_likely(case), case.store.capabilities.operators, 2, many)
    return st.tuples(_contents(case), st.lists(asked, min_size=5, max_size=5))


def _likely(case: Case) -> dict[str, Table]:
    """Records of values that contents often have, so that strategies of queries are built once, for all of them."""
    tables: dict[str, Table] = {}
    for name, schema in case.schemas.items():
        keys = _KEYS.get(name) or _likely_values(schema.by_name[schema.key[0]])
        rows = [
            tuple([parts.get(field.name, _likely_value(field, place)) for field in schema.stored])
            for place, parts in enumerate(_parts(schema, key) for key in keys)
        ]
        tables[name] = Table(schema, rows)
    return tables


def _likely_value(field: FieldSchema, place: int) -> Value:
    keys = _KEYS.get(field.target or "", ()) if field.kind in (Kind.REF, Kind.MANY) else _likely_values(field)
    return keys[:place] if field.kind is Kind.MANY else keys[place % len(keys)] if keys else None


def _likely_values(field: FieldSchema) -> tuple[Value, ...]:
    return OBJECT_IDS[:3] if field.is_object_id else _LIKELY[field.kind]


def _parts(schema: Schema, key: Value) -> dict[str, Value]:
    return dict(zip(schema.key, key if len(schema.key) > 1 else (key,), strict=True))


def _ask(case: Case, drawn: tuple[dict[str, list[Row]], list[AnyQuery]]) -> None:
    content, asked = drawn
    case.load({name: Table(case.schemas[name], rows) for name, rows in content.items()})
    for query in asked:
        case.expect(query)


@st.composite
def _contents(draw: st.DrawFn, case: Case) -> dict[str, list[Row]]:
    """Few records of each collection; references point at those before them, or anywhere where nothing keeps them."""
    chosen = {name: draw(subsets) for name, subsets in _SUBSETS.items()}
    targets = {name: keys if case.declares(Feature.FOREIGN_KEYS) else _KEYS[name] for name, keys in chosen.items()}
    referring = {name: _one_of(keys) for name, keys in targets.items()}
    listing = {name: _some_of(keys) for name, keys in targets.items()}
    content: dict[str, list[Row]] = {}
    for name, schema in case.schemas.items():
        rows: dict[Any, Row] = {}
        for key in chosen[name] if name in chosen else draw(_own_keys(schema.by_name[schema.key[0]])):
            parts = _parts(schema, key)
            row: list[Value] = []
            for field in schema.stored:
                if field.name in parts:
                    row.append(parts[field.name])
                elif field.kind is Kind.REF:
                    row.append(draw(referring.get(field.target or "", _NOTHING)))
                elif field.kind is Kind.MANY:
                    row.append(tuple(draw(listing.get(field.target or "", _EMPTY))))
                elif any(field.name in group for group in schema.unique):
                    row.append(f"{len(rows)}" if field.kind is Kind.STR else len(rows))
                else:
                    row.append(draw(_any_value(field)))
            rows[key] = tuple(row)
        content[name] = list(rows.values())
    return content


def _one_of(keys: Sequence[Value]) -> st.SearchStrategy[Value]:
    return st.sampled_from((None, *keys))


def _some_of(keys: Sequence[Value]) -> st.SearchStrategy[list[Value]]:
    return st.lists(st.sampled_from(keys), unique=True) if keys else _EMPTY


@cache
def _own_keys(field: FieldSchema) -> st.SearchStrategy[list[Value]]:
    return st.lists(st.sampled_from(_likely_values(field)) | values(field), max_size=3, unique=True)


@cache
def _any_value(field: FieldSchema) -> st.SearchStrategy[Value]:
    drawn = st.sampled_from(_likely_values(field)) | values(field)
    return st.none() | drawn if field.nullable else drawn
