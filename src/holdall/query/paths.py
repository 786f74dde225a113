"""The paths that a query uses, so that those who may not read what a path leads through can be refused."""

from __future__ import annotations

from collections.abc import Iterator

from holdall.query.condition import And, Compare, Condition, Exists, Not, Or, Path, Stated
from holdall.query.query import AnyQuery
from holdall.query.term import formula_of, is_formula, paths_behind
from holdall.query.walk import nodes

__all__ = ["paths_of"]


def _asked_around(node: Exists) -> Iterator[Path]:
    """The paths of the record around that a query within a query speaks of."""
    if node.path:
        yield from paths_behind(node.path)
    for inner in nodes(node.query.condition):
        if isinstance(inner, Compare) and is_formula(inner.path):
            yield from formula_of(inner.path).outer


def paths_of(query: AnyQuery) -> Iterator[Path]:
    """Yield every path the query uses, from its collection outwards: condition, sort, projection or what it groups and
    aggregates; one may come twice.

    Paths inside Some and Every start with the path of their Many: ``("books", "title")``. A formula gives the paths
    that it is computed of, and a query within the query those of the record that is asked.

    >>> from holdall.query import parse_query
    >>> list(paths_of(parse_query('book where author.name = "Jane" sort pages')))
    [('author', 'name'), ('pages',)]
    """
    pending: list[tuple[Condition, Path]] = [(query.condition, ())]
    while pending:
        node, start = pending.pop()
        if isinstance(node, Compare):
            if is_formula(node.path):
                yield from ((*start, *path) for path in paths_behind(node.path))
            else:
                yield (*start, *node.path)
        elif isinstance(node, And | Or):
            pending.extend((item, start) for item in reversed(node.items))
        elif isinstance(node, Not):
            pending.append((node.item, start))
        elif isinstance(node, Exists):
            yield from ((*start, *path) for path in _asked_around(node))
        elif not isinstance(node, Stated):
            yield (*start, *node.path)
            pending.append((node.condition, (*start, *node.path)))
    grouping = query.grouping
    if grouping is not None:
        aggregated = [aggregate.path for aggregate in grouping.aggregates if aggregate.path]
        for path in (*grouping.by, *aggregated):
            yield from paths_behind(path)
        return
    for path in (*[key.path for key in query.sort_keys], *query.projection):
        yield from paths_behind(path)
