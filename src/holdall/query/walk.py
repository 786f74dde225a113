"""Walks over conditions: their nodes, and the same tree with some nodes replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdall.query.condition import And, Condition, Every, Not, Or, Some

__all__ = ["nodes", "replace"]


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
