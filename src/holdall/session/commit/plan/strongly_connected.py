"""Circles in a graph: which nodes can reach each other. Pure; it knows no records, only numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["strongly_connected"]


def strongly_connected(needs: Sequence[set[int]]) -> list[int]:
    """A number for each node, the same for nodes that reach each other, lower for what others need.

    Tarjan's strongly connected components (SIAM J. Comput. 1(2), 1972), without recursion. Linear in nodes and edges.

    >>> strongly_connected([{1}, {2}, {1}, set()])
    [1, 0, 0, 2]
    """
    count = len(needs)
    found, index, low = [-1] * count, [-1] * count, [0] * count
    stack: list[int] = []
    clock = components = 0
    for root in range(count):
        if index[root] >= 0:
            continue
        work: list[tuple[int, Iterator[int]]] = []
        node = root
        while True:
            if index[node] < 0:
                index[node] = low[node] = clock
                clock += 1
                stack.append(node)
                work.append((node, iter(needs[node])))
            node, ahead = work[-1]
            following = next((other for other in ahead if _is_news(other, node, index, low, found)), None)
            if following is not None:
                node = following
                continue
            work.pop()
            if low[node] == index[node]:
                while True:
                    member = stack.pop()
                    found[member] = components
                    if member == node:
                        break
                components += 1
            if not work:
                break
            low[work[-1][0]] = min(low[work[-1][0]], low[node])
            node = work[-1][0]
    return found


def _is_news(other: int, node: int, index: list[int], low: list[int], found: list[int]) -> bool:
    """Whether the node was not seen before; one that is being looked at closes a circle."""
    if index[other] < 0:
        return True
    if found[other] < 0:
        low[node] = min(low[node], index[other])
    return False
