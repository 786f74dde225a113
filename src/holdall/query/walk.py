"""Walks over conditions and queries: their nodes, the paths they use, the same tree with some nodes replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdall.query.condition import And, Compare, Condition, Every, Not, Or, Path, Some
from holdall.query.query import AnyQuery

__all__ = ["nodes", "paths_of", "replace"]


def nodes(condition: Condition) -> Iterator[Condition]:
    """Yield every node, each before those below it, left to right; those inside Some and Every too.

    >>> from holdall.query import parse_condition
    >>> len(list(nodes(parse_condition("pages > 100 and year < 1900"))))
    3
    """
    pending = [condition]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, And | Or):
            pending.extend(reversed(node.items))
        elif isinstance(node, Not):
            pending.append(node.item)
        elif isinstance(node, Some | Every):
            pending.append(node.condition)


def paths_of(query: AnyQuery) -> Iterator[Path]:
    """Yield every path the query uses, from its collection outwards: condition, sort, projection; one may come twice.

    Paths inside Some and Every start with the path of their Many: ``("books", "title")``.

    >>> from holdall.query import parse_query
    >>> list(paths_of(parse_query('book where author.name = "Jane" sort pages')))
    [('author', 'name'), ('pages',)]
    """
    pending: list[tuple[Condition, Path]] = [(query.condition, ())]
    while pending:
        node, start = pending.pop()
        if isinstance(node, Compare):
            yield (*start, *node.path)
        elif isinstance(node, And | Or):
            pending.extend((item, start) for item in reversed(node.items))
        elif isinstance(node, Not):
            pending.append((node.item, start))
        else:
            yield (*start, *node.path)
            pending.append((node.condition, (*start, *node.path)))
    yield from (key.path for key in query.sort_keys)
    yield from query.projection


def replace(condition: Condition, change: Callable[[Condition], Condition]) -> Condition:
    """Return the condition with ``change`` applied to every node, to those below a node before itself.

    Nodes that nothing changes are kept as they are, not copied.

    >>> from holdall.query import Compare, Op, format_condition, parse_condition
    >>> def widened(node):
    ...     return Compare(node.path, Op.GE, node.value) if isinstance(node, Compare) else node
    >>> format_condition(replace(parse_condition("pages > 100"), widened))
    'pages >= 100'
    """
    if isinstance(condition, And | Or):
        items = tuple([replace(item, change) for item in condition.items])
        if any(new is not old for new, old in zip(items, condition.items, strict=True)):
            condition = type(condition)(items)
    elif isinstance(condition, Not):
        item = replace(condition.item, change)
        condition = condition if item is condition.item else Not(item)
    elif isinstance(condition, Some | Every):
        inner = replace(condition.condition, change)
        condition = condition if inner is condition.condition else type(condition)(condition.path, inner)
    return change(condition)
