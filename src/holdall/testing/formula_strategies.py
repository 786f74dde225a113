"""Hypothesis strategies for formulas that fit given collections."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from holdall.errors import LimitExceeded, QueryError
from holdall.query import Call, Constant, FieldSchema, Kind, Of, Path, Schema, Table, Term, Value, formula, resolve
from holdall.query.term_kinds import DATE_PARTS
from holdall.testing.pool import POOL
from holdall.testing.strategies import paths

__all__ = ["every_formula", "formulas"]

_TEXT_TO_TEXT = ("lower", "upper", "trim", "fold")
_NUMBERS = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)
_COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")
_PATTERNS = (
    "a",
    "^a",
    "b$",
    "^[a-z]+$",
    "[^a-c]",
    "a.b",
    "^.{2,3}$",
    "(a|É)m?",
    "\\\\",
    "\\s",
    "^$",
    "x|^A",
    "[\\]%_]",
    "é",
)
_CONSTANTS: dict[Kind, tuple[Value, ...]] = {Kind.INT: (0, 1, -2, 7, 10**6), Kind.FLOAT: (0.5, -2.0, 3.0)}


def every_formula(schema: Schema) -> list[Path]:
    """Return formulas of this collection that show each function on each kind it takes. Example: :func:`formulas`."""
    fields: dict[Kind, list[Term]] = {}
    for field in schema.stored:
        if field.name != "id" and field.kind not in (Kind.REF, Kind.MANY):
            fields.setdefault(field.kind, []).append(Of((field.name,)))
    found: list[Term] = []
    for kind, terms in fields.items():
        one, two = terms[0], terms[-1]
        found += [Call(name, (one, two)) for name in _COMPARED]
        found += [Call("coalesce", (two, Constant(POOL[kind][0]))), Call("coalesce", (two, one))]
        if kind in (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TIMEDELTA):
            found += [Call(name, (one, two)) for name in ("add", "sub", "mul", "div", "floordiv", "mod")]
            found += [Call(name, (two,)) for name in ("neg", "abs", "round")]
            found += [Call("round", (two, Constant(places))) for places in (0, 1, 2)]
        if kind is Kind.STR:
            found += [Call(name, (two,)) for name in (*_TEXT_TO_TEXT, "length")]
            found += [Call("concat", (one, Constant("/%'"), two)), Call("length", (Call("fold", (one,)),))]
            found += [Call("matches", (one, Constant(pattern))) for pattern in _PATTERNS]
        found += [Call(name, (two,)) for name, kinds in DATE_PARTS.items() if kind in kinds]
        if kind in (Kind.DATE, Kind.DATETIME):
            found.append(Call("sub", (one, two)))
        if kind is Kind.JSON:
            found += _of_json(two)
        if kind is Kind.INT:
            found += [Call(name, (two,)) for name in ("float", "decimal", "text")]
            found += _of_numbers(two, fields)
    return [(formula(term),) for term in found if _fits(schema, term)]


def _of_json(term: Term) -> list[Term]:
    steps: tuple[tuple[str | int, ...], ...] = (
        ("a",),
        (0,),
        (1,),
        ("b", 1, "c"),
        ("",),
        ("nowhere", "a"),
        (0, 0),
        ("b", 0),
    )
    items: list[Term] = [Call("at", (term, *map(Constant, path))) for path in steps]
    return [
        *items,
        *[Call(name, (item,)) for item in (term, *items) for name in ("as_text", "as_int", "as_float", "as_bool")],
    ]


def _of_numbers(term: Term, fields: Mapping[Kind, list[Term]]) -> list[Term]:
    found: list[Term] = []
    for other in (*fields.get(Kind.FLOAT, ()), *fields.get(Kind.DECIMAL, ()), Constant(3), Constant(-2), Constant(0)):
        found += [Call(name, (term, other)) for name in ("add", "sub", "mul", "div", "floordiv", "mod", "lt", "eq")]
    large = Call("mul", (term, Constant(2**62)))
    found += [
        large,
        Call("add", (large, large)),
        Call("mod", (large, Constant(7))),
        Call("sub", (term, Call("mod", (term, Constant(3))))),
    ]
    return found


def _fits(schema: Schema, term: Term) -> bool:
    try:
        resolve({schema.name: schema}, schema, (formula(term),))
    except (QueryError, LimitExceeded):
        return False
    return True


def formulas(tables: Mapping[str, Table], collection: str, depth: int = 2) -> st.SearchStrategy[Path]:
    """Formulas of this collection, of fields behind at most ``depth`` references, too.

    >>> from hypothesis import given
    >>> from holdall.query import Query, evaluate
    >>> from holdall.testing.conformance import tables
    >>> @given(formulas(tables(), "book"))
    ... def test_no_formula_fails(path):
    ...     evaluate(Query("book", projection=(path,)), tables())
    """
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[collection]
    by_kind: dict[Kind, list[Term]] = {}
    for path in paths(schemas, schema, frozenset(Kind) - {Kind.MANY}, depth):
        field = _scalar(resolve(schemas, schema, path)[-1][1])
        if field is not None:
            by_kind.setdefault(field.kind, []).append(Of(path))
    wanted = st.sampled_from([*by_kind, Kind.BOOL])

    def fits(term: Term) -> bool:
        try:
            return isinstance(term, Call) and bool(resolve(schemas, schema, (formula(term),)))
        except (QueryError, LimitExceeded):
            return False

    return wanted.flatmap(lambda kind: _terms(by_kind, kind)).filter(fits).map(lambda term: (formula(term),))


def _scalar(field: FieldSchema) -> FieldSchema | None:
    while field.kind is Kind.REF and len(field.target_key) == 1:
        field = field.target_key[0]
    return None if field.kind is Kind.REF else field


@st.composite
def _terms(draw: st.DrawFn, by_kind: Mapping[Kind, list[Term]], kind: Kind) -> Term:
    def term(kind: Kind, levels: int) -> Term:
        calls = [one for one in _CALLS.get(kind, ()) if all(of in by_kind for of in one[1])] if levels else []
        calls += [(("coalesce",), (kind, kind))] if levels and kind in by_kind else []
        is_call = draw(st.integers(0, 3)) > 0 if levels < _LEVELS else True
        if calls and is_call:
            names, kinds = draw(st.sampled_from(calls))
            return Call(draw(st.sampled_from(names)), tuple([term(of, levels - 1) for of in kinds]))
        fields = by_kind.get(kind, [])
        if kind is not Kind.JSON and (not fields or draw(st.integers(0, 3)) == 0):
            return Constant(draw(st.sampled_from(_CONSTANTS.get(kind) or POOL[kind])))
        return draw(st.sampled_from(fields))

    return term(kind, _LEVELS)


_LEVELS = 3
_CALLS: dict[Kind, list[tuple[tuple[str, ...], tuple[Kind, ...]]]] = {
    Kind.STR: [(_TEXT_TO_TEXT, (Kind.STR,)), (("concat",), (Kind.STR, Kind.STR)), (("text",), (Kind.INT,))],
    Kind.INT: [
        (("add", "sub", "mul", "floordiv", "mod"), (Kind.INT, Kind.INT)),
        (("neg", "abs"), (Kind.INT,)),
        (("length",), (Kind.STR,)),
        *[((name,), (of,)) for name, kinds in DATE_PARTS.items() if name != "date" for of in sorted(kinds)],
    ],
    Kind.FLOAT: [
        (("add", "sub", "mul", "div"), (Kind.FLOAT, Kind.INT)),
        (("div",), (Kind.INT, Kind.INT)),
        (("neg", "abs", "round"), (Kind.FLOAT,)),
        (("float",), (Kind.INT,)),
    ],
    Kind.DECIMAL: [
        (("add", "sub"), (Kind.DECIMAL, Kind.DECIMAL)),
        (("mul",), (Kind.DECIMAL, Kind.INT)),
        (("neg", "abs", "round"), (Kind.DECIMAL,)),
    ],
    Kind.BOOL: [(_COMPARED, (of, of)) for of in (*_NUMBERS, Kind.STR, Kind.DATE)],
    Kind.DATE: [(("date",), (Kind.DATETIME,))],
    Kind.TIMEDELTA: [(("add", "sub"), (Kind.TIMEDELTA, Kind.TIMEDELTA)), (("sub",), (Kind.DATETIME, Kind.DATETIME))],
}
