"""From conditions, paths and values to their text."""

from __future__ import annotations

import re

from holdall.errors import LimitExceeded, QueryError
from holdall.query._literals import write_scalar
from holdall.query._tokens import KEYWORDS
from holdall.query.check import MAX_DEPTH
from holdall.query.condition import And, Compare, Condition, Not, Op, Or, Path, Some
from holdall.query.sort import SortKey

__all__ = ["SIGNS", "write_condition", "write_name", "write_path", "write_sort_key", "write_value"]

SIGNS = {Op.EQ: "=", Op.NE: "!=", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def write_name(name: str) -> str:
    """The name, in backticks where it is a keyword or has characters of its own."""
    if _BARE.fullmatch(name) and name not in KEYWORDS:
        return name
    return "`" + name.replace("`", "``") + "`"


def write_path(path: Path) -> str:
    """The names with points between. Raises QueryError for an empty path."""
    if not path:
        raise QueryError("an empty path has no text")
    return ".".join(map(write_name, path))


def write_sort_key(key: SortKey) -> str:
    """``-author.name nulls last``."""
    return ("-" if key.descending else "") + write_path(key.path) + (f" nulls {key.nulls}" if key.nulls else "")


def write_condition(condition: Condition, depth: int = 1) -> str:
    """The condition; the same tree is read back, brackets and all. Raises LimitExceeded if it is too deep."""
    _check_depth(depth)
    if isinstance(condition, Compare):
        return f"{write_path(condition.path)} {_write_comparison(condition, depth)}"
    if isinstance(condition, And | Or):
        word = "and" if isinstance(condition, And) else "or"
        if len(condition.items) < 2:
            return f"{word}({''.join(write_condition(item, depth + 1) for item in condition.items)})"
        return f" {word} ".join(_write_operand(item, depth) for item in condition.items)
    if isinstance(condition, Not):
        return f"not {_write_operand(condition.item, depth)}"
    word = "some" if isinstance(condition, Some) else "every"
    return f"{word} {write_path(condition.path)} ({write_condition(condition.condition, depth + 1)})"


def write_value(value: object, depth: int = 1) -> str:
    """A value with all in it. Raises QueryError for what has no text, LimitExceeded if it is too deep."""
    _check_depth(depth)
    if isinstance(value, tuple):
        return f"({', '.join(write_value(item, depth + 1) for item in value)})"
    if isinstance(value, list):
        return f"[{', '.join(write_value(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(_write_entry(name, item, depth) for name, item in value.items())}}}"
    return write_scalar(value)


def _write_entry(name: object, item: object, depth: int) -> str:
    if not isinstance(name, str):
        raise QueryError(f"a dictionary with keys of type {type(name).__name__} has no text in a query")
    return f"{write_scalar(name)}: {write_value(item, depth + 1)}"


def _write_operand(condition: Condition, depth: int) -> str:
    text = write_condition(condition, depth + 1)
    return f"({text})" if isinstance(condition, And | Or) and len(condition.items) > 1 else text


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
