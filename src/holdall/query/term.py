"""Terms: what a formula is made of. ``term_kinds`` says which are right, ``term_values`` what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from holdall.errors import LimitExceeded
from holdall.query._formula import Formula
from holdall.query._literals import write_scalar
from holdall.query._paths import write_path
from holdall.query.border import Value
from holdall.query.condition import Path

__all__ = [
    "COMPARING",
    "MAX_TERM_NODES",
    "Call",
    "Constant",
    "Of",
    "Outer",
    "Term",
    "formula",
    "formula_of",
    "is_formula",
    "leads_on",
    "paths_behind",
    "terms",
]

MAX_TERM_NODES = 100
"""Functions, fields and constants in one formula."""

MAX_TERM_DEPTH = 12
"""Functions within functions in one formula."""

MAX_DIVISIONS = 4
"""Divisions that give whole numbers in one formula, of which databases have to be told thrice."""

COMPARING = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
"""The functions that compare two terms, and their signs."""


class Term(msgspec.Struct, frozen=True, tag=True):
    """A node of a formula; only its subclasses are made. Example: :class:`Call`."""


class Of(Term, frozen=True):
    """The value at a path. Example: :class:`Call`."""

    path: Path


class Outer(Term, frozen=True):
    """The value at a path of the record that the query around is about. Example: :class:`Call`."""

    path: Path


class Constant(Term, frozen=True):
    """A border value, never None. Example: :class:`Call`."""

    value: Value


class Call(Term, frozen=True):
    """A function of terms.

    >>> from holdall.query import Call, Constant, Of, formula
    >>> formula(Call("mul", (Of(("pages",)), Constant(2))))
    'mul(pages, 2)'
    """

    function: str
    arguments: tuple[Term, ...]


def formula(term: Term) -> Formula:
    """The formula of a term. Raises LimitExceeded for one that is too large, QueryError for a value without text.

    Example: :class:`Call`.
    """
    found = Formula(_written(term, 1))
    parts = list(terms(term))
    if len(parts) > MAX_TERM_NODES:
        raise LimitExceeded("functions, fields and values in one formula", MAX_TERM_NODES)
    if sum(isinstance(part, Call) and part.function in ("floordiv", "mod") for part in parts) > MAX_DIVISIONS:
        raise LimitExceeded("divisions by // and % in one formula", MAX_DIVISIONS)
    found.term = term
    found.paths = tuple([part.path for part in parts if isinstance(part, Of)])
    found.outer = tuple([part.path for part in parts if isinstance(part, Outer)])
    return found


def terms(term: Term) -> Iterator[Term]:
    """Yield every node of a term, left to right, each before those below it."""
    pending = [term]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Call):
            pending.extend(reversed(node.arguments))


def is_formula(path: Path) -> bool:
    """Whether a path leads to a computed value. Example: :class:`Call`."""
    return path[-1].__class__ is Formula if path else False


def formula_of(path: Path) -> Formula:
    """The formula that a path is."""
    step = path[-1]
    assert isinstance(step, Formula)
    return step


def leads_on(path: Path) -> bool:
    """Whether a path, or one of those a formula is computed of, leads through a reference. Example: :class:`Call`."""
    if len(path) > 1:
        return True
    step = path[0] if path else ""
    return step.__class__ is Formula and not step.is_own


def paths_behind(path: Path) -> tuple[Path, ...]:
    """The paths of fields that a path needs: itself, or those a formula is computed of. Example: :class:`Call`."""
    return formula_of(path).paths if is_formula(path) else (path,)


def moved(term: Term, change: Callable[[Term], Term]) -> Term:
    """The term with ``change`` applied to all that is no function."""
    if isinstance(term, Call):
        return Call(term.function, tuple([moved(argument, change) for argument in term.arguments]))
    return change(term)


def _written(term: Term, depth: int) -> str:
    if depth > MAX_TERM_DEPTH:
        raise LimitExceeded("functions within functions of one formula", MAX_TERM_DEPTH)
    if isinstance(term, Of):
        return write_path(term.path)
    if isinstance(term, Outer):
        return f"outer({write_path(term.path)})"
    if isinstance(term, Constant):
        return write_scalar(term.value)
    assert isinstance(term, Call)
    return f"{term.function}({', '.join(_written(argument, depth + 1) for argument in term.arguments)})"
