"""The order in which a commit writes: what others refer to comes first. Pure; it knows no records, only numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush

import msgspec

from holdall.session.commit.plan.strongly_connected import strongly_connected

__all__ = ["Edge", "Order", "order_nodes"]

_PASSED = 64  # nodes that cannot go yet and are looked at before going on


class Edge(msgspec.Struct, frozen=True):
    """Node ``source`` refers to node ``target``, which must be written first unless the edge ``may_wait``.

    Example: :func:`order_nodes`.
    """

    source: int
    target: int
    may_wait: bool = False


class Order(msgspec.Struct, frozen=True):
    """``levels[n]`` holds the nodes that only need nodes of earlier levels.

    ``waiting`` are the edges left out to get there: references to be written once both ends are. ``stuck`` are nodes
    on a circle of edges that may not wait.

    Example: :func:`order_nodes`.
    """

    levels: tuple[tuple[int, ...], ...]
    waiting: tuple[Edge, ...] = ()
    stuck: tuple[int, ...] = ()


def order_nodes(count: int, edges: Sequence[Edge]) -> Order:
    """Order the nodes ``0 … count-1``.

    Kahn's algorithm (Communications of the ACM 5(11), 1962) by levels; on a circle, edges that may wait are left out,
    one node's at a time, first on circles that need nothing else. Nodes keep their given order within a level. Linear
    in nodes and edges, but for sorting.

    >>> order_nodes(3, [Edge(0, 1), Edge(1, 2)]).levels
    ((2,), (1,), (0,))
    >>> order_nodes(2, [Edge(0, 1), Edge(1, 0, may_wait=True)])
    Order(levels=((1,), (0,)), waiting=(Edge(source=1, target=0, may_wait=True),), stuck=())
    """
    sources = {edge.source for edge in edges}
    if sources.isdisjoint([edge.target for edge in edges]):  # mostly what is referred to refers to nothing itself
        free = tuple([node for node in range(count) if node not in sources])
        return Order(tuple([level for level in (free, tuple(sorted(sources))) if level]))
    graph = _Graph(count, edges)
    levels: list[tuple[int, ...]] = []
    left = set(range(count))
    ready = [node for node in range(count) if not graph.needs[node]]
    while left:
        if not ready:
            released = graph.release(left)
            if released is None:
                return Order(tuple(levels), tuple(graph.waiting), tuple(sorted(left)))
            ready = released
        levels.append(tuple(ready))
        left.difference_update(ready)
        ready = graph.written(ready)
    return Order(tuple(levels), tuple(graph.waiting))


class _Graph:
    """The needs of each node that are still open; ``hard`` are the needs that may not wait."""

    def __init__(self, count: int, edges: Sequence[Edge]) -> None:
        self.needs: list[set[int]] = [set() for _ in range(count)]
        self.waiting: list[Edge] = []
        self._hard: list[set[int]] = [set() for _ in range(count)]
        self._needed_by: list[list[int]] = [[] for _ in range(count)]
        self._edges: list[list[Edge]] = [[] for _ in range(count)]
        for edge in edges:
            if edge.source == edge.target and edge.may_wait:
                self.waiting.append(edge)
                continue
            self.needs[edge.source].add(edge.target)
            self._needed_by[edge.target].append(edge.source)
            self._edges[edge.source].append(edge)
            if not edge.may_wait:
                self._hard[edge.source].add(edge.target)
        # a heap: nodes whose needs may all wait
        self._patient = [(0, node) for node in range(count) if self.needs[node] and not self._hard[node]]
        self._circles: list[int] = []
        self._is_on_circle: list[bool] = []

    def written(self, nodes: Sequence[int]) -> list[int]:
        """The nodes that need nothing more once these are written."""
        ready = set()
        for node in nodes:
            for source in self._needed_by[node]:
                if node not in self.needs[source]:
                    continue
                self.needs[source].discard(node)
                if not self.needs[source]:
                    ready.add(source)
                elif node in self._hard[source]:
                    self._hard[source].discard(node)
                    if not self._hard[source]:
                        self._becomes_patient(source)
        return sorted(ready)

    def _becomes_patient(self, node: int) -> None:
        if not self._circles:
            heappush(self._patient, (0, node))
        elif self._is_on_circle[node]:
            heappush(self._patient, (self._circles[node], node))

    def release(self, left: set[int]) -> list[int] | None:
        """Let nodes go whose remaining needs may all wait: one of each circle that needs nothing outside itself."""
        if not self._circles:
            self._find_circles()
        released, passed, opened = list[int](), list[tuple[int, int]](), -1
        while self._patient and len(passed) < _PASSED + len(released):
            circle, node = heappop(self._patient)
            if node not in left or not self.needs[node]:
                continue
            if circle == opened or any(self._circles[other] != circle for other in self.needs[node]):
                passed.append((circle, node))
                continue
            opened = circle
            released.append(self._let_go(node))
        for item in passed:
            heappush(self._patient, item)
        if not released:  # what is left needs a circle that cannot be opened
            patient = next((node for node in sorted(left) if self.needs[node] and not self._hard[node]), None)
            released = [] if patient is None else [self._let_go(patient)]
        return sorted(released) or None

    def _find_circles(self) -> None:
        self._circles = strongly_connected(self.needs)
        sizes = Counter(self._circles)
        self._is_on_circle = [sizes[circle] > 1 for circle in self._circles]
        self._patient = sorted((self._circles[node], node) for _, node in self._patient if self._is_on_circle[node])

    def _let_go(self, node: int) -> int:
        self.waiting.extend(edge for edge in self._edges[node] if edge.target in self.needs[node])
        self.needs[node].clear()
        return node
