"""The kinds of formulas: which functions take what, and what they give. ``term_values`` says what they mean."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from holdall.errors import QueryError
from holdall.query.condition import Path
from holdall.query.kinds import kind_of_value
from holdall.query.pattern import portable
from holdall.query.schema import Asked, FieldSchema, Kind
from holdall.query.search import read_search
from holdall.query.term import COMPARING, Call, Constant, Of, Outer, Term

__all__ = ["DATE_PARTS", "FUNCTIONS", "MOST_DIGITS", "Leaf", "term_field"]

Leaf: TypeAlias = Callable[[Path], FieldSchema]
"""From a path to the field that it leads to."""

MOST_DIGITS = 60
"""Digits that a calculation with decimals may need by the digits of its fields; all databases have as many."""

_WHOLE_DIGITS = 19
_MOST_PLACES = 30
_ROUNDED_TO = 10
_ORDERED = frozenset(Kind) - {Kind.BOOL, Kind.JSON, Kind.REF, Kind.MANY, Kind.BYTES}
_CALENDAR, _CLOCK = frozenset({Kind.DATE, Kind.DATETIME}), frozenset({Kind.TIME, Kind.DATETIME})
DATE_PARTS: dict[str, frozenset[Kind]] = {
    **dict.fromkeys(("year", "month", "day", "weekday"), _CALENDAR),
    **dict.fromkeys(("hour", "minute", "second"), _CLOCK),
    "date": frozenset({Kind.DATETIME}),
}
"""Parts of dates and times, with the kinds that have them."""


def term_field(term: Term, leaf: Leaf, outer: Leaf) -> FieldSchema:
    """The kind of a formula's value, as a field without a name. Raises QueryError for one that is not right.

    >>> from holdall.query import Call, Constant, FieldSchema, Kind, Of
    >>> pages = FieldSchema("pages", Kind.INT)
    >>> term_field(Call("div", (Of(("pages",)), Constant(2))), lambda path: pages, lambda path: pages).kind
    <Kind.FLOAT: 'float'>
    """
    if isinstance(term, Of | Outer):
        return _single((leaf if isinstance(term, Of) else outer)(term.path), term.path)
    if isinstance(term, Constant):
        return _constant(term.value)
    assert isinstance(term, Call)
    arguments = [term_field(argument, leaf, outer) for argument in term.arguments]
    found = FUNCTIONS.get(term.function)
    if found is None:
        raise QueryError(f"there is no function {term.function}; there are {', '.join(sorted(FUNCTIONS))}")
    if term.function not in ("eq", "ne") and any(field.asked is not Asked.ORDER for field in arguments):
        raise QueryError(f"{term.function}() is computed of values, not of how a codec keeps them")
    least, most, give = found
    if not least <= len(arguments) <= most:
        raise QueryError(f"{term.function}() takes {_number(least, most)}, not {len(arguments)}")
    return give(term, arguments)


def _number(least: int, most: int) -> str:
    return f"{least} values" if least == most else f"{least} to {most} values"


def _single(field: FieldSchema, path: Path) -> FieldSchema:
    nullable = field.nullable or len(path) > 1
    while field.kind is Kind.REF and len(field.target_key) == 1:
        field = field.target_key[0]
    if field.kind in (Kind.REF, Kind.MANY):
        raise QueryError(f"{'.'.join(path)} is {field.kind} and has no single value to calculate with")
    if field.asked is Asked.NOTHING:
        raise QueryError(f"{'.'.join(path)} is a secret: no formula may be computed of it")
    return FieldSchema("", field.kind, nullable, digits=field.digits, places=field.places, asked=field.asked)


def _constant(value: object) -> FieldSchema:
    kind = kind_of_value(value)
    if kind is None:
        raise QueryError(f"a {type(value).__name__} is no value of a formula")
    if not isinstance(value, Decimal):
        return FieldSchema("", kind)
    _, digits, exponent = value.as_tuple()
    places = max(-int(exponent), 0)
    return FieldSchema("", kind, digits=max(len(digits) + max(int(exponent), 0), places, 1), places=places)


def _of(kind: Kind) -> FieldSchema:
    return FieldSchema("", kind, nullable=True)


def _refusal(term: Call, fields: list[FieldSchema]) -> QueryError:
    kinds = " and ".join(field.kind for field in fields)
    return QueryError(f"{term.function}() does not fit {kinds}{_HINTS.get(term.function, '')}")


_HINTS = {
    "div": "; of decimals, multiply instead, or store what is to be divided as a float",
    "floordiv": ", only whole numbers",
    "mod": ", only whole numbers",
    "concat": "; text() makes text of whole numbers",
    "add": "; a float and a decimal do not mix",
    "sub": "; a float and a decimal do not mix",
    "mul": "; a float and a decimal do not mix",
}


def _arithmetic(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    kinds = {field.kind for field in fields}
    if kinds == {Kind.INT}:
        return _of(Kind.INT)
    if kinds <= {Kind.INT, Kind.FLOAT}:
        return _of(Kind.FLOAT)
    if kinds <= {Kind.INT, Kind.DECIMAL}:
        return _decimal(term, fields)
    if kinds == {Kind.TIMEDELTA} and term.function in ("add", "sub", "neg", "abs"):
        return _of(Kind.TIMEDELTA)
    if term.function == "sub" and len(kinds) == 1 and kinds <= _CALENDAR:
        return _of(Kind.TIMEDELTA)
    raise _refusal(term, fields)


def _decimal(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    sizes = []
    for field in fields:
        if field.kind is Kind.INT:
            sizes.append((_WHOLE_DIGITS, 0))
        elif field.digits is None:
            raise QueryError(f"{term.function}() of a decimal without bounds: declare its digits and places")
        else:
            sizes.append((field.digits - (field.places or 0), field.places or 0))
    if len(sizes) == 1:
        ((whole, places),) = sizes
    elif term.function == "mul":
        (one, after), (other, behind) = sizes
        whole, places = one + other, after + behind
    else:
        (one, after), (other, behind) = sizes
        whole, places = max(one, other) + 1, max(after, behind)
    if whole + places > MOST_DIGITS or places > _MOST_PLACES:
        raise QueryError(f"{term.function}() may need more than {MOST_DIGITS} digits, or {_MOST_PLACES} places")
    return FieldSchema("", Kind.DECIMAL, nullable=True, digits=whole + places, places=places)


def _quotient(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    if not {field.kind for field in fields} <= {Kind.INT, Kind.FLOAT}:
        raise _refusal(term, fields)
    return _of(Kind.FLOAT)


def _whole(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    if {field.kind for field in fields} != {Kind.INT}:
        raise _refusal(term, fields)
    return _of(Kind.INT)


def _rounded(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    places = 0
    if len(term.arguments) == 2:
        given = term.arguments[1]
        places = given.value if isinstance(given, Constant) and type(given.value) is int else -1
        if not 0 <= places <= _ROUNDED_TO:
            raise QueryError(f"round() takes a number of places from 0 to {_ROUNDED_TO}")
    field = fields[0]
    if field.kind is Kind.DECIMAL:
        size = _decimal(term, fields[:1])
        digits = (size.digits or 0) - (size.places or 0) + places + 1
        return FieldSchema("", Kind.DECIMAL, nullable=True, digits=digits, places=places)
    if field.kind not in (Kind.INT, Kind.FLOAT):
        raise _refusal(term, fields[:1])
    return _of(field.kind)


def _text(result: Kind) -> Callable[[Call, list[FieldSchema]], FieldSchema]:
    def give(term: Call, fields: list[FieldSchema]) -> FieldSchema:
        if {field.kind for field in fields} != {Kind.STR}:
            raise _refusal(term, fields)
        return _of(result)

    return give


def _matches(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    pattern = term.arguments[1]
    if fields[0].kind is not Kind.STR or not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise QueryError("matches() takes text and a regular expression, which is no field")
    portable(pattern.value)
    return _of(Kind.BOOL)


def _search(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    words = term.arguments[0]
    if not isinstance(words, Constant) or {field.kind for field in fields} != {Kind.STR}:
        raise QueryError("search() takes words, which are no field, and the texts in which they are searched for")
    read_search(words.value)
    return FieldSchema("", Kind.BOOL)


def _part(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    if fields[0].kind not in DATE_PARTS[term.function]:
        raise _refusal(term, fields)
    return _of(Kind.DATE if term.function == "date" else Kind.INT)


def _unified(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    kinds = {field.kind for field in fields}
    if len(kinds) == 1 and kinds != {Kind.DECIMAL}:
        return FieldSchema("", fields[0].kind, nullable=True)
    if kinds == {Kind.INT, Kind.FLOAT}:
        return _of(Kind.FLOAT)
    if kinds <= {Kind.INT, Kind.DECIMAL}:
        if any(field.kind is Kind.DECIMAL and field.digits is None for field in fields):
            return _of(Kind.DECIMAL)
        places = max(field.places or 0 for field in fields)
        whole = max(_WHOLE_DIGITS if f.kind is Kind.INT else (f.digits or 0) - (f.places or 0) for f in fields)
        return FieldSchema("", Kind.DECIMAL, nullable=True, digits=whole + places, places=places)
    raise _refusal(term, fields)


def _compared(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    kinds = {field.kind for field in fields}
    is_alike = len(kinds) == 1 or kinds in ({Kind.INT, Kind.FLOAT}, {Kind.INT, Kind.DECIMAL})
    if not is_alike or (term.function not in ("eq", "ne") and not kinds <= _ORDERED):
        raise QueryError(
            f"{' and '.join(field.kind for field in fields)} are not compared by {COMPARING[term.function]}"
        )
    return _of(Kind.BOOL)


def _cast(kinds: frozenset[Kind], result: Kind) -> Callable[[Call, list[FieldSchema]], FieldSchema]:
    def give(term: Call, fields: list[FieldSchema]) -> FieldSchema:
        if fields[0].kind not in kinds:
            raise _refusal(term, fields)
        if result is Kind.DECIMAL:
            return FieldSchema("", result, nullable=True, digits=_WHOLE_DIGITS, places=0)
        return _of(result)

    return give


def _item(term: Call, fields: list[FieldSchema]) -> FieldSchema:
    if fields[0].kind is not Kind.JSON:
        raise QueryError(f"at() looks into JSON, not into {fields[0].kind}")
    for step in term.arguments[1:]:
        value = step.value if isinstance(step, Constant) else None
        is_index = type(value) is int and 0 <= value < 2**31
        if not is_index and not isinstance(value, str):
            raise QueryError("a path into JSON is made of names and of numbers that count items from 0")
    return _of(Kind.JSON)


_JSON = frozenset({Kind.JSON})
_INT = frozenset({Kind.INT})

FUNCTIONS: dict[str, tuple[int, int, Callable[[Call, list[FieldSchema]], FieldSchema]]] = {
    **dict.fromkeys(("add", "sub", "mul"), (2, 2, _arithmetic)),
    **dict.fromkeys(("neg", "abs"), (1, 1, _arithmetic)),
    "div": (2, 2, _quotient),
    "floordiv": (2, 2, _whole),
    "mod": (2, 2, _whole),
    "round": (1, 2, _rounded),
    **dict.fromkeys(("lower", "upper", "trim", "fold"), (1, 1, _text(Kind.STR))),
    "length": (1, 1, _text(Kind.INT)),
    "concat": (1, 20, _text(Kind.STR)),
    "matches": (2, 2, _matches),
    "search": (2, 20, _search),
    **dict.fromkeys(DATE_PARTS, (1, 1, _part)),
    "coalesce": (2, 20, _unified),
    **dict.fromkeys(COMPARING, (2, 2, _compared)),
    "float": (1, 1, _cast(_INT, Kind.FLOAT)),
    "decimal": (1, 1, _cast(_INT, Kind.DECIMAL)),
    "text": (1, 1, _cast(_INT, Kind.STR)),
    "at": (2, 20, _item),
    "as_text": (1, 1, _cast(_JSON, Kind.STR)),
    "as_int": (1, 1, _cast(_JSON, Kind.INT)),
    "as_float": (1, 1, _cast(_JSON, Kind.FLOAT)),
    "as_bool": (1, 1, _cast(_JSON, Kind.BOOL)),
}
"""Of each function how few and how many values it takes, and what tells the kind of what it gives."""
