"""Formulas as the server can compute them, so that it gives only the records of which a condition may be true.

The condition itself is decided here, by the reference (``semi_joins``): the server may give too many records, none too
few. So it is asked for nothing that it would compute otherwise: no letter case, no decimals, no dates.
"""

from __future__ import annotations

from typing import NamedTuple

from holdall.query import Call, Compare, Constant, Kind, Of, Op, Term, Value, read_search
from holdall.query.term import COMPARING, formula_of
from holdall.stores.mongo.compile import Filter
from holdall.stores.mongo.layout import Layout

__all__ = ["narrowed"]

_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})
_LEAST = -(2**63)  # of which there is no absolute value; no field has it
_FOLDED_TO = ("ff", "fi", "fl", "ss", "st")
_MORE = {"k": "\u212a", "s": "\u017f"}  # the signs of kelvin and of the long s
_SIGNS = {"add": "$add", "sub": "$subtract", "mul": "$multiply"}
_OPS = {Op.EQ: "$eq", Op.NE: "$ne", Op.LT: "$lt", Op.LE: "$lte", Op.GT: "$gt", Op.GE: "$gte"}
_COMPARED = {"eq": "$eq", "ne": "$ne", "lt": "$lt", "le": "$lte", "gt": "$gt", "ge": "$gte"}


class _Part(NamedTuple):
    """An expression, the kind of its values, and the tests without which it has none."""

    expression: Value
    kind: Kind
    tests: tuple[Value, ...] = ()


def narrowed(node: Compare, layout: Layout) -> Filter:
    """The filter of all documents of which a comparison of a formula may be true; empty where nothing can be told."""
    term = formula_of(node.path).term
    if isinstance(term, Call) and term.function == "search":
        return _searched(term, layout) if node.op is Op.EQ and node.value is True else {}
    if isinstance(term, Call) and term.function in COMPARING:
        if node.op is not Op.EQ:
            return {}
        one, two = (_part(argument, layout) for argument in term.arguments)
        return {} if one is None or two is None else _compared(_COMPARED[term.function], one, two, node.value is True)
    found = _part(term, layout)
    if found is None:
        return {}
    if node.op is Op.IN:
        values = [_constant(value) for value in node.value]
        if None in values or any(value.kind is not found.kind for value in values if value is not None):
            return {}
        return _expr({"$in": [found.expression, [value.expression for value in values if value]]}, found.tests)
    if node.op is Op.BETWEEN:
        low, high = (_constant(value) for value in node.value)
        if low is None or high is None:
            return {}
        both = [_compared("$gte", found, low), _compared("$lte", found, high)]
        return {"$and": both} if all(both) else {}
    value = _constant(node.value)
    return {} if value is None or node.op not in _OPS else _compared(_OPS[node.op], found, value)


def _searched(term: Call, layout: Layout) -> Filter:
    """The filter of documents that have each word, of letters that nothing else folds to, somewhere in their texts."""
    words, *texts = term.arguments
    paths = [layout.places[text.path[0]].path for text in texts if isinstance(text, Of) and _field(text.path, layout)]
    if len(paths) < len(texts) or not isinstance(words, Constant):
        return {}
    wanted = [each.words for each in read_search(words.value).wanted if not each.is_beginning]
    patterns = [_either_case(word) for some in wanted for word in some if _is_plain(word)]
    found = [{"$or": [{path: {"$regex": pattern}} for path in paths]} for pattern in patterns]
    return {"$and": found} if found else {}


def _is_plain(word: str) -> bool:
    """Whether a folded word comes of its own letters alone, none of which is part of a ligature or of a sharp s."""
    return word.isascii() and not any(pair in word for pair in _FOLDED_TO)


def _either_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}{_MORE.get(letter, '')}]" for letter in word)


def _compared(sign: str, one: _Part, two: _Part, is_true: bool = True) -> Filter:
    kinds = {one.kind, two.kind}
    if len(kinds) > 1 and not kinds <= _NUMBERS:
        return {}
    sides = [_as_float(part) if len(kinds) > 1 else part.expression for part in (one, two)]
    compared = {sign: sides}
    return _expr(compared if is_true else {"$not": [compared]}, (*one.tests, *two.tests))


def _as_float(part: _Part) -> Value:
    return part.expression if part.kind is Kind.FLOAT else {"$toDouble": part.expression}


def _expr(holds: Value, tests: tuple[Value, ...]) -> Filter:
    """The filter that an expression holds; it is not computed of values that are no numbers or texts."""
    return {"$expr": {"$cond": [{"$and": list(tests)}, holds, False]} if tests else holds}


def _part(term: Term, layout: Layout) -> _Part | None:
    """The expression of a term; None where the server would compute another value."""
    if isinstance(term, Constant):
        return _constant(term.value)
    if isinstance(term, Of):
        return _field(term.path, layout)
    if not isinstance(term, Call):
        return None
    parts = [_part(argument, layout) for argument in term.arguments]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    tests = tuple([test for part in known for test in part.tests])
    kinds, expressions = {part.kind for part in known}, [part.expression for part in known]
    match term.function:
        case "add" | "sub" | "mul" if kinds <= _NUMBERS:
            if kinds != {Kind.INT}:
                expressions = list(map(_as_float, known))
            return _Part({_SIGNS[term.function]: expressions}, Kind.INT if kinds == {Kind.INT} else Kind.FLOAT, tests)
        case "div" if kinds <= _NUMBERS:
            return _Part({"$divide": list(map(_as_float, known))}, Kind.FLOAT, (*tests, {"$ne": [expressions[1], 0]}))
        case "neg" if kinds <= _NUMBERS:
            return _Part({"$multiply": [expressions[0], -1]}, known[0].kind, tests)
        case "abs" if kinds <= _NUMBERS:
            return _Part({"$abs": expressions[0]}, known[0].kind, (*tests, {"$gt": [expressions[0], _LEAST]}))
        case "length" if kinds == {Kind.STR}:
            return _Part({"$strLenCP": expressions[0]}, Kind.INT, tests)
        case "concat" if kinds == {Kind.STR}:
            return _Part({"$concat": expressions}, Kind.STR, tests)
    return None


def _constant(value: object) -> _Part | None:
    kind = {int: Kind.INT, float: Kind.FLOAT, str: Kind.STR}.get(type(value))
    return None if kind is None else _Part({"$literal": value}, kind)


def _field(path: tuple[str, ...], layout: Layout) -> _Part | None:
    place = layout.places.get(path[0]) if len(path) == 1 else None
    if place is None or place.is_array or place.field.is_object_id:
        return None
    expression = f"${place.path}"
    if place.field.kind is Kind.FLOAT:  # as which whole numbers of others are read, too
        return _Part({"$toDouble": expression}, Kind.FLOAT, ({"$isNumber": expression},))
    if place.codec.encode is not None:
        return None
    if place.field.kind is Kind.INT:
        return _Part(expression, Kind.INT, ({"$isNumber": expression},))
    if place.field.kind is Kind.STR:
        return _Part(expression, Kind.STR, ({"$eq": [{"$type": expression}, "string"]},))
    return None
