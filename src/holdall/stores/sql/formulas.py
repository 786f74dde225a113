"""Formulas to SQL: each term is one expression, with what must hold lest its calculation goes beyond its bounds.

SQLite is given the reference itself, as a function, for what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from holdall.query import Call, Constant, FieldSchema, Kind, Of, Path, Term, Value
from holdall.query.term import formula_of
from holdall.query.term_kinds import DATE_PARTS, term_field
from holdall.query.term_values import FLOAT_HIGH, FLOAT_LOW, WHOLE_BOUND
from holdall.stores.sql.codec import comparand
from holdall.stores.sql.columns import DECIMAL_COLLATION, Leaf, parameter_type
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.formula_bounds import as_float, float_literal, stays_whole
from holdall.stores.sql.formula_dates import date_difference, date_part
from holdall.stores.sql.formula_json import json_as, json_equal, json_item
from holdall.stores.sql.formula_search import found_in
from holdall.stores.sql.formula_signs import ACTS, COMPARED
from holdall.stores.sql.formula_text import case_of, folded, joined, length_of, matching
from holdall.stores.sql.spelling_sql import computable

__all__ = ["Formulas", "Found"]

Clause: TypeAlias = sa.ColumnElement[bool]
_Type: TypeAlias = sa.types.TypeEngine[Value]
_Guards: TypeAlias = tuple[Clause, ...]
_TEXT = ("lower", "upper", "fold", "trim", "length", "concat", "matches")


class Found(NamedTuple):
    """The one column that a path leads to."""

    column: Element
    field: FieldSchema  # of the path
    leaf: FieldSchema  # of the column


class _Part(NamedTuple):
    """An expression, the kind of its values, and the conditions, the inner ones first, without which it is missing."""

    element: Element
    field: FieldSchema
    guards: _Guards = ()
    constant: int | None = None

    @property
    def kind(self) -> Kind:
        return self.field.kind


class Formulas:
    """Compiles formulas in one dialect.

    ``find`` gives the columns of paths, ``outer`` those of the query around, ``kept`` that of the words of a search.
    """

    def __init__(
        self,
        dialect: Dialect,
        find: Callable[[Path], Found],
        outer: Callable[[Path], Found] | None = None,
        kept: Callable[[Call], Element | None] = lambda search: None,
    ) -> None:
        self._dialect = dialect
        self._find = find
        self._outer = outer or find
        self._kept = kept

    def compile(self, path: Path) -> tuple[Leaf, Element]:
        """The expression of a formula, and the column that it is like."""
        formula = formula_of(path)
        part = self._part(formula.term)
        is_nullable = not isinstance(formula.term, Call) or formula.term.function != "search"
        field = msgspec.structs.replace(part.field, name=str(formula), nullable=is_nullable)
        return Leaf(field.name, field), self._rooted(part)

    def _part(self, term: Term) -> _Part:
        if isinstance(term, Constant):
            return self._constant(term.value, term_field(term, self._leaf, self._leaf))
        if not isinstance(term, Call):
            found = self._find(term.path) if isinstance(term, Of) else self._outer(term.path)  # type: ignore[attr-defined]
            return self._column(found, term_field(term, self._leaf, self._outer_leaf))
        field = term_field(term, self._leaf, self._outer_leaf)
        parts = [self._part(argument) for argument in term.arguments]
        name = term.function
        if name in ("add", "sub", "mul", "neg", "abs"):
            return self._arithmetic(name, field, parts)
        if name in ("div", "floordiv", "mod"):
            return self._divided(name, field, parts)
        rooted = [part._replace(element=self._rooted(part), guards=()) for part in parts]
        return self._function(term, field, rooted)

    def _leaf(self, path: Path) -> FieldSchema:
        return self._find(path).field

    def _outer_leaf(self, path: Path) -> FieldSchema:
        return self._outer(path).field

    def _column(self, found: Found, field: FieldSchema) -> _Part:
        element = computable(found.column, found.leaf, is_ordered=field.kind is Kind.STR)
        return _Part(self._settled(element, field) if field.kind is Kind.DECIMAL else element, field)

    def _constant(self, value: Value, field: FieldSchema) -> _Part:
        match field.kind:
            case Kind.INT:
                return _Part(_cast(sa.literal_column(str(value)), self._whole), field, constant=value)
            case Kind.FLOAT:
                return _Part(as_float(sa.literal_column(repr(value))), field)
            case Kind.BOOL:
                return _Part(sa.true() if value else sa.false(), field)
            case Kind.DECIMAL if self._dialect.family != "sqlite":
                return _Part(_cast(sa.literal_column(f"{value:f}"), self._decimal(field)), field)
        convert = comparand(field, self._dialect)
        kind = parameter_type(field, self._dialect)
        given = value if convert is None else convert(value)
        element: Element = sa.bindparam(None, given, type_=kind, unique=True)
        if self._dialect.family == "mysql" and field.kind in (Kind.DATETIME, Kind.DATE, Kind.TIME):
            element = _cast(element, kind)  # else it is text beside a column of another type
        return _Part(self._settled(element, field), field)

    @property
    def _whole(self) -> _Type:
        return mysql.BIGINT() if self._dialect.family == "mysql" else sa.BigInteger()

    def _decimal(self, field: FieldSchema) -> _Type:
        if self._dialect.family == "mysql":
            return mysql.DECIMAL(field.digits or 65, (field.places or 0) if field.digits else 30)
        return sa.Numeric()

    def _settled(self, element: Element, field: FieldSchema) -> Element:
        """The expression with the collation under which its values are compared."""
        if field.kind is Kind.STR and self._dialect.exact_collation is not None:
            return sa.collate(element, self._dialect.exact_collation)
        if field.kind is Kind.DECIMAL and self._dialect.family == "sqlite":
            return sa.collate(element, DECIMAL_COLLATION)
        return element

    def _rooted(self, part: _Part) -> Element:
        """The expression, missing where a calculation in it would go beyond its bounds."""
        if not part.guards:
            return part.element
        whens = [(sa.not_(guard), sa.null()) for guard in part.guards]
        return self._settled(sa.case(*whens, else_=part.element), part.field)

    def _arithmetic(self, name: str, field: FieldSchema, parts: list[_Part]) -> _Part:
        guards = tuple([guard for part in parts for guard in part.guards])
        if name == "sub" and parts[0].kind in (Kind.DATE, Kind.DATETIME):
            elements = [self._rooted(part) for part in parts]
            return _Part(date_difference(elements[0], elements[1], parts[0].kind, self._dialect), field)
        if field.kind is Kind.DECIMAL:
            return _Part(self._settled(self._exact(name, [part.element for part in parts]), field), field, guards)
        first = parts[0].element
        if name in ("neg", "abs"):
            return _Part(-first if name == "neg" else sa.func.abs(first, type_=first.type), field, guards)
        act = ACTS[name]
        if field.kind is Kind.FLOAT:
            low = FLOAT_LOW if name == "mul" else 0.0
            return _Part(
                act(as_float(first), as_float(parts[1].element)),
                field,
                guards + tuple([guard for part in parts for guard in _fit(part, low)]),
            )
        guard = stays_whole(name, (first, parts[1].element), (parts[0].constant, parts[1].constant))
        return _Part(act(first, parts[1].element), field, (*guards, guard))

    def _exact(self, name: str, elements: list[Element]) -> Element:
        if self._dialect.family == "sqlite":
            return getattr(sa.func, f"holdall_{name}")(*elements)  # type: ignore[no-any-return]
        if name in ("neg", "abs"):
            return -elements[0] if name == "neg" else sa.func.abs(elements[0])
        return ACTS[name](elements[0], elements[1])

    def _divided(self, name: str, field: FieldSchema, parts: list[_Part]) -> _Part:
        guards = tuple([guard for part in parts for guard in part.guards])
        one, two = parts[0].element, parts[1].element
        if name == "div":
            fit = tuple([guard for part in parts for guard in _fit(part, FLOAT_LOW)])
            quotient = as_float(one).op("/", precedence=8)(sa.func.nullif(as_float(two), float_literal(0.0)))
            return _Part(sa.type_coerce(quotient, sa.Double()), field, guards + fit)
        bound = float_literal(WHOLE_BOUND / 2)
        guards += tuple([sa.func.abs(as_float(element)) < bound for element in (one, two)])
        divisor = sa.func.nullif(two, sa.literal_column("0"), type_=self._whole)
        rest = (one % divisor + two) % divisor
        if name == "mod":
            return _Part(sa.type_coerce(rest, self._whole), field, guards)
        sign = " DIV " if self._dialect.family == "mysql" else "/"
        return _Part(sa.type_coerce((one - rest).self_group().op(sign)(divisor), self._whole), field, guards)

    def _function(self, term: Call, field: FieldSchema, parts: list[_Part]) -> _Part:
        name, elements = term.function, [part.element for part in parts]
        if name in _TEXT:
            return _Part(self._text(name, term, elements, field), field)
        if name == "search":
            words: Value = term.arguments[0]
            return _Part(found_in(words.value, elements[1:], self._dialect, self._kept(term)), field)
        if name in DATE_PARTS:
            return _Part(date_part(name, elements[0], parts[0].kind, self._dialect), field)
        if name == "round":
            return self._rounded(term, field, parts)
        if name == "coalesce":
            alike = [self._alike(part, field) for part in parts]
            return _Part(self._settled(sa.func.coalesce(*alike, type_=alike[0].type), field), field)
        if name == "at":
            steps = [part.value for part in term.arguments[1:] if isinstance(part, Constant)]
            return _Part(json_item(elements[0], steps, self._dialect), field)
        if name.startswith("as_"):
            return _Part(self._settled(json_as(name, elements[0], self._dialect), field), field)
        if name in ("float", "decimal", "text"):
            return _Part(self._settled(self._alike(parts[0], field), field), field)
        return _Part(self._compared(name, parts), field)

    def _text(self, name: str, term: Call, elements: list[Element], field: FieldSchema) -> Element:
        if name == "matches":
            pattern = term.arguments[1]
            assert isinstance(pattern, Constant)
            return matching(elements[0], pattern.value, self._dialect)
        if name == "length":
            return length_of(elements[0], self._dialect)
        if name == "concat":
            return self._settled(joined(elements, self._dialect), field)
        if name == "trim":
            return self._settled(sa.func.trim(elements[0], type_=sa.Text()), field)
        if name == "fold":
            return self._settled(folded(elements[0], self._dialect), field)
        return self._settled(case_of(name, elements[0], self._dialect), field)

    def _rounded(self, term: Call, field: FieldSchema, parts: list[_Part]) -> _Part:
        places = term.arguments[1].value if len(parts) == 2 else 0  # type: ignore[attr-defined]  # a Constant, as checked
        element = parts[0].element
        number: Element = sa.literal_column(str(places))
        if field.kind is Kind.INT:
            return parts[0]
        if field.kind is Kind.DECIMAL:
            is_sqlite = self._dialect.family == "sqlite"
            found = sa.func.holdall_round(element, number) if is_sqlite else sa.func.round(element, number)
            return _Part(self._settled(found, field), field)
        guards = _fit(parts[0], 0.0)
        match self._dialect.family:
            case "sqlite":
                return _Part(sa.func.holdall_round(element, number, type_=sa.Double()), field, guards)
            case "mysql":
                return _Part(sa.func.round(element, number, type_=sa.Double()), field, guards)
        scale = float_literal(float(10**places))
        return _Part(sa.func.round(as_float(element) * scale, type_=sa.Double()) / scale, field, guards)

    def _alike(self, part: _Part, field: FieldSchema) -> Element:
        """The expression as a value of the kind of ``field``."""
        family = self._dialect.family
        match field.kind:
            case Kind.FLOAT:
                return as_float(part.element)
            case Kind.DECIMAL if part.kind is Kind.INT:
                return _cast(part.element, sa.Text() if family == "sqlite" else self._decimal(field))
            case Kind.STR if part.kind is Kind.INT:
                return _cast(part.element, mysql.CHAR() if family == "mysql" else sa.Text())
        return part.element

    def _compared(self, name: str, parts: list[_Part]) -> Clause:
        one, two = parts
        if one.kind is Kind.JSON:
            same = json_equal(one.element, two.element, self._dialect)
            return same if name == "eq" else sa.not_(same)
        kinds = {one.kind, two.kind}
        wanted = next((part.field for part in parts if part.kind in (Kind.FLOAT, Kind.DECIMAL)), one.field)
        left, right = (self._alike(part, wanted) if len(kinds) > 1 else part.element for part in parts)
        if wanted.kind is Kind.DECIMAL:
            left = self._settled(left, wanted)
        return COMPARED[name](left, right)


def _cast(element: Element, kind: _Type) -> Element:
    return sa.cast(element, kind)


def _fit(part: _Part, low: float) -> _Guards:
    """The conditions under which a number is calculated with as a float."""
    size = sa.func.abs(part.element if part.kind is Kind.FLOAT else as_float(part.element))
    if not low:
        return (size <= float_literal(FLOAT_HIGH),)
    return (size <= float_literal(FLOAT_HIGH), sa.or_(size >= float_literal(low), size == float_literal(0.0)))
