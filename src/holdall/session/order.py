"""The order in which a commit writes: what others refer to comes first. Pure; it knows no records, only numbers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

__all__ = ["Edge", "Order", "order_nodes"]


class Edge(msgspec.Struct, frozen=True):
    """Node ``source`` refers to node ``target``, which must be written first unless the edge ``may_wait``."""

    source: int
    target: int
    may_wait: bool = False


class Order(msgspec.Struct, frozen=True):
    """``levels[n]`` holds the nodes that only need nodes of earlier levels.

    ``waiting`` are the edges left out to get there: references to be written once both ends are. ``stuck`` are nodes
    on a circle of edges that may not wait.
    """

    levels: tuple[tuple[int, ...], ...]
    waiting: tuple[Edge, ...] = ()
    stuck: tuple[int, ...] = ()


def order_nodes(count: int, edges: Sequence[Edge]) -> Order:
    """Order the nodes ``0 … count-1``.

    Kahn's algorithm by levels; on a circle, edges that may wait are left out, one node's at a time. Nodes keep their
    given order within a level. Linear in nodes and edges but for circles.

    >>> order_nodes(3, [Edge(0, 1), Edge(1, 2)]).levels
    ((2,), (1,), (0,))
    >>> order_nodes(2, [Edge(0, 1), Edge(1, 0, may_wait=True)])
    Order(levels=((1,), (0,)), waiting=(Edge(source=1, target=0, may_wait=True),), stuck=())
    """
    needs: list[set[int]] = [set() for _ in range(count)]
    needed_by: list[list[int]] = [[] for _ in range(count)]
    open_edges: dict[int, list[Edge]] = {}
    waiting: list[Edge] = []
    for edge in edges:
        if edge.source == edge.target:
            if edge.may_wait:
                waiting.append(edge)
            else:
                needs[edge.source].add(edge.source)
            continue
        needs[edge.source].add(edge.target)
        needed_by[edge.target].append(edge.source)
        open_edges.setdefault(edge.source, []).append(edge)
    levels: list[tuple[int, ...]] = []
    left = set(range(count))
    ready = [node for node in range(count) if not needs[node]]
    while left:
        if not ready:
            released = _release(left, needs, open_edges, waiting)
            if released is None:
                return Order(tuple(levels), tuple(waiting), tuple(sorted(left)))
            ready = [released]
        levels.append(tuple(ready))
        left.difference_update(ready)
        following: list[int] = []
        for node in ready:
            for source in needed_by[node]:
                if node in needs[source]:
                    needs[source].discard(node)
                    if not needs[source] and source in left:
                        following.append(source)
        ready = sorted(set(following))
    return Order(tuple(levels), tuple(waiting))


def _release(
    left: set[int], needs: list[set[int]], open_edges: dict[int, list[Edge]], waiting: list[Edge]
) -> int | None:
    """Let one node go whose remaining needs may all wait."""
    for node in sorted(left):
        edges = [edge for edge in open_edges.get(node, ()) if edge.target in needs[node]]
        hard = {edge.target for edge in edges if not edge.may_wait}
        if edges and not hard and node not in needs[node]:
            waiting.extend(edges)
            needs[node].clear()
            return node
    return None
