"""Conditions compiled to Python: one closure per node, made once per query and called once per row.

The closures give every operator its meaning for ``evaluate`` and are the engine of stores that keep rows in memory. The
query must have passed ``check``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import islice, pairwise
from operator import ge, gt, le, lt
from typing import Any, Protocol, TypeAlias

from holdall.errors import QueryError
from holdall.query._formula import Formula
from holdall.query.border import Key, Row, Value
from holdall.query.condition import And, Compare, Condition, Every, Exists, Not, Op, Or, Path, Some, Stated
from holdall.query.frozen import frozen
from holdall.query.json_key import value_getter
from holdall.query.resolve import members_schema, resolve
from holdall.query.schema import Kind, ManyForm, Schema
from holdall.query.term_values import compile_term
from holdall.query.walk import nodes
from holdall.query.within import Searching, Within, equalities, nothing_around

__all__ = ["Getter", "Lookup", "Predicate", "comparable", "compile_condition", "compile_path"]

Predicate: TypeAlias = Callable[[Row], bool]
Getter: TypeAlias = Callable[[Row], Any]


class Lookup(Protocol):
    """How the rows of other collections are found; asked once per compilation, its answers once per row.

    Example: :func:`compile_condition`.
    """

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        ...

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """A function from a key to the row that has it, or None."""
        ...

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """A function from a key to the rows of the collection whose ``field`` is that key or, a Many, holds it."""
        ...


def compile_condition(condition: Condition, schema: Schema, lookup: Lookup) -> Predicate:
    """Return a function that decides whether a row of ``schema`` (all stored fields, in order) meets the condition.

    >>> from holdall.query import FieldSchema, Kind, Schema, parse_condition
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> class Books:
    ...     schemas = {"book": book}
    >>> is_long = compile_condition(parse_condition("pages > 500"), book, Books())
    >>> is_long((1, 474)), is_long((2, 730))
    (False, True)
    """
    if isinstance(condition, Compare):
        return _compare(condition, schema, lookup)
    if isinstance(condition, And):
        return _conjunction([compile_condition(item, schema, lookup) for item in condition.items])
    if isinstance(condition, Or):
        return _disjunction([compile_condition(item, schema, lookup) for item in condition.items])
    if isinstance(condition, Not):
        inner = compile_condition(condition.item, schema, lookup)
        return lambda row: not inner(row)
    if isinstance(condition, Exists):
        return _exists(condition, schema, lookup)
    if isinstance(condition, Stated):
        raise QueryError("a statement means something to the database it is written for alone")
    return _quantifier(condition, schema, lookup)


def compile_path(path: Path, schema: Schema, lookup: Lookup) -> Getter:
    """Return a function from a row to the value at the path; None where the value or a reference on the way is missing.

    Example: :func:`compile_condition`.
    """
    if path and path[0].__class__ is Formula:
        return _computed(path[0], schema, lookup)
    steps = resolve(lookup.schemas, schema, path)
    first = value_getter(*steps[0])
    if len(steps) == 1:
        return first
    hops = [(lookup.by_key(str(ref.target)), value_getter(*step)) for (_, ref), step in pairwise(steps)]

    def through(row: Row) -> Value:
        value = first(row)
        for find, get in hops:
            if value is None:
                return None
            found = find(value)
            if found is None:
                return None
            value = get(found)
        return value

    return through


def _computed(step: Formula, schema: Schema, lookup: Lookup) -> Getter:
    resolve(lookup.schemas, schema, (step,))
    return compile_term(
        step.term,
        lambda path: compile_path(path, schema, lookup),
        lambda path: resolve(lookup.schemas, schema, path)[-1][1],
        lookup.around if isinstance(lookup, Within) else nothing_around,
    )


def _exists(node: Exists, schema: Schema, lookup: Lookup) -> Predicate:
    if not isinstance(lookup, Searching):
        raise TypeError("queries within queries are answered where whole collections are")
    query = node.query
    if node.path:
        get, known = compile_path(node.path, schema, lookup), frozenset(row[0] for row in lookup.found(query))
        return lambda row: (found := get(row)) is not None and found in known
    within = Within(lookup, schema, lambda path: compile_path(path, schema, lookup))
    inner, passed = within.schemas[query.collection], int(query.skip)
    if query.max_rows == 0:
        return lambda row: False
    pairs, rest = equalities(query.condition)
    meets = compile_condition(And(tuple(rest)), inner, within)
    if not pairs:

        def holds(row: Row) -> bool:
            within.row = row
            return sum(1 for _ in islice(filter(meets, lookup.all_of(query.collection)), passed + 1)) > passed

        return holds
    keys = [compile_path(path, inner, within) for path, _ in pairs]
    own = [compile_path(path, schema, lookup) for _, path in pairs]
    groups: dict[Row, list[Row]] = {}
    for each in lookup.all_of(query.collection):
        groups.setdefault(tuple([get(each) for get in keys]), []).append(each)

    def joined(row: Row) -> bool:
        wanted = tuple([get(row) for get in own])
        if None in wanted:
            return False
        within.row = row
        return sum(1 for _ in islice(filter(meets, groups.get(wanted, ())), passed + 1)) > passed

    return joined


def comparable(kind: Kind) -> Callable[[Any], Hashable] | None:
    """Return a function whose results are equal exactly when two values of this kind are; None where ``==`` is."""
    return frozen if kind is Kind.JSON else None


def _compare(node: Compare, schema: Schema, lookup: Lookup) -> Predicate:
    get = compile_path(node.path, schema, lookup)
    kind = resolve(lookup.schemas, schema, node.path)[-1][1].kind
    value, freeze = node.value, comparable(kind)
    if freeze is not None and node.op is not Op.IS_NULL:
        plain = get

        def get(row: Row) -> Value:
            found = plain(row)
            return None if found is None else freeze(found)

        value = tuple(map(freeze, value)) if node.op in (Op.IN, Op.NOT_IN) else freeze(value)
    return _OPERATORS[node.op](get, value)


def _equal(get: Getter, value: object) -> Predicate:
    return lambda row: bool(get(row) == value)


def _unequal(get: Getter, value: object) -> Predicate:
    return lambda row: (found := get(row)) is not None and found != value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Getter, Any], Predicate]:
    def make(get: Getter, value: object) -> Predicate:
        return lambda row: (found := get(row)) is not None and compare(found, value)

    return make


def _between(get: Getter, value: Value) -> Predicate:
    low, high = value
    return lambda row: (found := get(row)) is not None and low <= found <= high


def _in(get: Getter, value: Value) -> Predicate:
    wanted = frozenset(value)
    return lambda row: get(row) in wanted


def _not_in(get: Getter, value: Value) -> Predicate:
    unwanted = frozenset(value)
    return lambda row: (found := get(row)) is not None and found not in unwanted


def _contains(get: Getter, value: object) -> Predicate:
    return lambda row: (found := get(row)) is not None and value in found


def _icontains(get: Getter, value: Value) -> Predicate:
    lowered = value.lower()
    return lambda row: (found := get(row)) is not None and lowered in found.lower()


def _startswith(get: Getter, value: object) -> Predicate:
    return lambda row: (found := get(row)) is not None and found.startswith(value)


def _endswith(get: Getter, value: object) -> Predicate:
    return lambda row: (found := get(row)) is not None and found.endswith(value)


def _is_null(get: Getter, value: object) -> Predicate:
    return (lambda row: get(row) is None) if value else (lambda row: get(row) is not None)


_OPERATORS: dict[Op, Callable[[Getter, Any], Predicate]] = {
    Op.EQ: _equal,
    Op.NE: _unequal,
    Op.LT: _ordered(lt),
    Op.LE: _ordered(le),
    Op.GT: _ordered(gt),
    Op.GE: _ordered(ge),
    Op.IN: _in,
    Op.NOT_IN: _not_in,
    Op.BETWEEN: _between,
    Op.CONTAINS: _contains,
    Op.ICONTAINS: _icontains,
    Op.STARTSWITH: _startswith,
    Op.ENDSWITH: _endswith,
    Op.IS_NULL: _is_null,
}


def _conjunction(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        left, right = parts
        return lambda row: left(row) and right(row)
    return lambda row: all(part(row) for part in parts)


def _disjunction(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        left, right = parts
        return lambda row: left(row) or right(row)
    return lambda row: any(part(row) for part in parts)


def _quantifier(node: Some | Every, schema: Schema, lookup: Lookup) -> Predicate:
    target = members_schema(lookup.schemas, resolve(lookup.schemas, schema, node.path)[-1][1])
    meets = compile_condition(node.condition, target, lookup)
    if any(isinstance(inner, Some | Every) for inner in nodes(node.condition)):
        meets = _remembered(meets, target.key_of)  # else paths that lead back cost a power of the number of records
    members = _members(node.path, schema, lookup)
    decide = any if isinstance(node, Some) else all

    def holds(row: Row) -> bool:
        return decide(map(meets, members(row)))

    return holds if len(node.path) == 1 else _remembered(holds, compile_path(node.path[:-1], schema, lookup))


def _remembered(meets: Predicate, key_of: Getter) -> Predicate:  # asked once for each key
    known: dict[Key, bool] = {}

    def recall(row: Row) -> bool:
        key = key_of(row)
        found = known.get(key)
        if found is None:
            found = known[key] = meets(row)
        return found

    return recall


def _members(path: Path, schema: Schema, lookup: Lookup) -> Callable[[Row], Iterable[Row]]:
    owner, field = resolve(lookup.schemas, schema, path)[-1]
    target = str(field.target)
    if field.form is ManyForm.BACK:
        referring = lookup.referring(target, str(field.back))
        if len(path) == 1:
            key_of = owner.key_of
            return lambda row: referring(key_of(row))
        # the key of the referenced record is the Ref's own value, but only where that record exists
        key_at = compile_path(path[:-1], schema, lookup)
        exists = lookup.by_key(owner.name)
        return lambda row: () if (key := key_at(row)) is None or exists(key) is None else referring(key)
    keys_at = compile_path(path, schema, lookup)
    if target not in lookup.schemas:  # its records are kept elsewhere and are seen as their keys alone
        is_single = len(field.target_key) == 1
        return lambda row: [(key,) if is_single else key for key in keys_at(row) or ()]
    find = lookup.by_key(target)
    return lambda row: [found for key in keys_at(row) or () if (found := find(key)) is not None]
