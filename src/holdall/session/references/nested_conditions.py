"""References inside values, in terms that stores know: comparisons of what lies in JSON, columns of whole values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from holdall.query import (
    AnyQuery,
    Call,
    Compare,
    Constant,
    FieldSchema,
    Key,
    KeyKinds,
    Kind,
    NestedName,
    Of,
    Op,
    Path,
    Query,
    Row,
    SortKey,
    Value,
    formula,
    key_kinds,
    key_to_json,
    keys_inside,
)
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.key_conditions import PAGE, demand_few, key_paths
from holdall.store import Rows

__all__ = ["compared_inside", "extracted", "holders", "is_inside", "whole_columns"]

_Extract = Callable[[Value], Value]


class Paged(Protocol):
    """A reader of one collection, which gives rows of a query."""

    async def rows(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query whose condition its store can answer."""


def is_inside(path: Path) -> bool:
    """Whether a path ends at a reference inside a value."""
    return bool(path) and path[-1].__class__ is NestedName


def compared_inside(bindings: Bindings, binding: Binding, condition: Compare) -> Compare:
    """The same comparison of what lies in the JSON, with the form that keys have there."""
    path = condition.path
    field = _field_at(bindings, binding, path)
    assert field.inside is not None
    steps = [Constant(step) for step in field.inside.steps]
    found = Call("at", (Of((*path[:-1], field.inside.root)), *steps))
    cast = _cast(key_kinds(field.target_key))
    value = condition.value
    if condition.op in (Op.IN, Op.NOT_IN):
        value = tuple([key_to_json(key) for key in value])
    elif condition.op is not Op.IS_NULL:
        value = key_to_json(value)
    return Compare((formula(found if cast is None else Call(cast, (found,))),), condition.op, value)


def _cast(kinds: KeyKinds) -> str | None:
    if isinstance(kinds, tuple):
        return None
    return "as_int" if kinds is Kind.INT else "as_text"


def whole_columns(
    bindings: Bindings, binding: Binding, paths: Sequence[Path]
) -> tuple[tuple[Path, ...], dict[int, _Extract]]:
    """The paths as stores know them, each that ends inside a value with that value in its place, and the functions
    from those values to the keys inside, by place.
    """
    known, extracts = list(paths), dict[int, _Extract]()
    for place, path in enumerate(paths):
        if is_inside(path):
            field = _field_at(bindings, binding, path)
            assert field.inside is not None
            known[place] = (*path[:-1], field.inside.root)
            extracts[place] = keys_inside(field)
    return tuple(known), extracts


async def holders(projecting: Paged, owner: Binding, path: Path, keys: AbstractSet[Key]) -> tuple[Key, ...]:
    """The keys of all records whose references at the path, inside lists, lead to one of these: looked for page by
    page. Raises LimitExceeded where they are too many.
    """
    names = key_paths((), owner)
    query: AnyQuery = Query(owner.collection, projection=(*names, path)).sort(*map(SortKey, names)).limit(PAGE)
    found, after = list[Key](), None
    while True:
        rows = await projecting.rows(query if after is None else query.after(*after), owner)
        found += [row[0] if len(row) == 2 else row[:-1] for row in rows if not keys.isdisjoint(row[-1])]
        demand_few(owner, len(found))
        last = rows[-1][:-1] if len(rows) == PAGE else None
        if last in (None, after):
            return tuple(found)
        after = last


def _field_at(bindings: Bindings, binding: Binding, path: Path) -> FieldSchema:
    for name in path[:-1]:
        binding = bindings.of_name(str(binding.schema.field(name).target))
    return binding.schema.field(path[-1])


def extracted(rows: Sequence[Row], extracts: dict[int, _Extract]) -> list[Row]:
    """The rows with the keys inside in the place of whole values."""
    found = []
    for row in rows:
        values = list(row)
        for place, extract in extracts.items():
            values[place] = extract(values[place])
        found.append(tuple(values))
    return found
