"""From conditions, paths and values to their text."""

from __future__ import annotations

from holdall.errors import LimitExceeded, QueryError
from holdall.query._formula import Formula
from holdall.query._literals import write_scalar
from holdall.query._paths import write_name, write_path
from holdall.query.aggregate import Grouping
from holdall.query.condition import ALWAYS, And, Compare, Condition, Exists, Not, Op, Or, Some, Stated
from holdall.query.kinds import MAX_DEPTH
from holdall.query.later import Later
from holdall.query.query import AnyQuery
from holdall.query.sort import SortKey
from holdall.query.term import COMPARING, Call, Constant, Outer, formula, formula_of, is_formula

__all__ = ["SIGNS", "write_condition", "write_name", "write_path", "write_query", "write_sort_key", "write_value"]

SIGNS = {Op.EQ: "=", Op.NE: "!=", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}


def write_sort_key(key: SortKey) -> str:
    """``-author.name nulls last``."""
    return ("-" if key.descending else "") + write_path(key.path) + (f" nulls {key.nulls}" if key.nulls else "")


def write_condition(condition: Condition, depth: int = 1) -> str:
    """The condition; the same tree is read back, brackets and all. Raises LimitExceeded if it is too deep."""
    _check_depth(depth)
    if isinstance(condition, Compare):
        if is_formula(condition.path) and condition.op is Op.EQ and condition.value is True:
            return _write_truth(formula_of(condition.path))
        return f"{write_path(condition.path)} {_write_comparison(condition, depth)}"
    if isinstance(condition, And | Or):
        word = "and" if isinstance(condition, And) else "or"
        if len(condition.items) < 2:
            return f"{word}({''.join(write_condition(item, depth + 1) for item in condition.items)})"
        return f" {word} ".join(_write_operand(item, depth) for item in condition.items)
    if isinstance(condition, Not):
        return f"not {_write_operand(condition.item, depth)}"
    if isinstance(condition, Exists):
        before = f"{write_path(condition.path)} in" if condition.path else "exists"
        return f"{before} ({write_query(condition.query, depth + 1)})"
    if isinstance(condition, Stated):
        return "key in (a statement of the database's own)"
    word = "some" if isinstance(condition, Some) else "every"
    return f"{word} {write_path(condition.path)} ({write_condition(condition.condition, depth + 1)})"


def write_query(query: AnyQuery, depth: int = 1) -> str:
    """The query; the same is read back. Raises LimitExceeded if it is too deep."""
    if (query.max_rows or 0) < 0 or query.skip < 0:
        raise QueryError("a limit or an offset cannot be negative")
    parts = [write_name(query.collection)]
    if query.condition != ALWAYS:
        parts.append(f"where {write_condition(query.condition, depth)}")
    if query.grouping is not None:
        parts += _grouping(query.grouping)
    if query.sort_keys:
        parts.append(f"sort {', '.join(map(write_sort_key, query.sort_keys))}")
    if query.position is not None:
        parts.append(f"after {write_value(query.position)}")
    if query.max_rows is not None:
        parts.append(f"limit {query.max_rows}")
    if query.skip:
        parts.append(f"offset {query.skip}")
    if query.projection:
        parts.append(f"only {', '.join(map(write_path, query.projection))}")
    return " ".join(parts)


def _grouping(grouping: Grouping) -> list[str]:
    parts = [f"group {', '.join(map(write_path, grouping.by))}"] if grouping.by else []
    if grouping.having != ALWAYS:
        parts.append(f"having {write_condition(grouping.having)}")
    return parts


def write_value(value: object, depth: int = 1) -> str:
    """A value with all in it. Raises QueryError for what has no text, LimitExceeded if it is too deep."""
    _check_depth(depth)
    if isinstance(value, tuple):
        return f"({', '.join(write_value(item, depth + 1) for item in value)})"
    if isinstance(value, list):
        return f"[{', '.join(write_value(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(_write_entry(name, item, depth) for name, item in value.items())}}}"
    return value.name if isinstance(value, Later) else write_scalar(value)


def _write_entry(name: object, item: object, depth: int) -> str:
    if not isinstance(name, str):
        raise QueryError(f"a dictionary with keys of type {type(name).__name__} has no text in a query")
    return f"{write_scalar(name)}: {write_value(item, depth + 1)}"


def _write_operand(condition: Condition, depth: int) -> str:
    text = write_condition(condition, depth + 1)
    return f"({text})" if isinstance(condition, And | Or) and len(condition.items) > 1 else text


def _write_truth(found: Formula) -> str:
    """That a formula is true: of one that compares, as a comparison where its right side is no value."""
    term = found.term
    if isinstance(term, Call) and term.function in COMPARING and not isinstance(term.arguments[1], Constant):
        left, right = term.arguments
        if not isinstance(left, Constant | Outer):
            return f"{formula(left)} {COMPARING[term.function]} {formula(right)}"
    return f"{found} = true"


def _write_comparison(node: Compare, depth: int) -> str:
    op, value = node.op, node.value
    if op is Op.IS_NULL:
        if not isinstance(value, bool):
            raise QueryError("is_null takes True or False")
        return "is null" if value else "is not null"
    if op in (Op.IN, Op.NOT_IN):
        if not isinstance(value, tuple):
            raise QueryError(f"{op} takes a tuple")
        return ("in " if op is Op.IN else "not in ") + write_value(value, depth)
    if op is Op.BETWEEN:
        if not isinstance(value, tuple) or len(value) != 2:
            raise QueryError("between takes a pair")
        return f"between {write_value(value[0], depth)} and {write_value(value[1], depth)}"
    return f"{SIGNS.get(op, op.value)} {write_value(value, depth)}"


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise LimitExceeded("levels in the text of a query", MAX_DEPTH, "write it flatter")
