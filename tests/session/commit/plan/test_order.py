"""The order of a commit is right for every graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdall.session import Edge, order_nodes


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    count = draw(st.integers(0, 8))
    if count == 0:
        return 0, []
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.builds(Edge, node, node, st.booleans()), max_size=16))


@given(graphs())
def test_every_edge_is_kept_waits_or_is_stuck(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    order = order_nodes(count, edges)
    level = {node: number for number, nodes in enumerate(order.levels) for node in nodes}
    assert sorted([*level, *order.stuck]) == list(range(count))
    for edge in edges:
        if edge.source in level and edge not in order.waiting:
            assert level[edge.target] < level[edge.source]
    assert all(edge.may_wait for edge in order.waiting)


@given(graphs())
def test_only_circles_that_may_not_wait_are_stuck(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    order = order_nodes(count, edges)
    hard = {(edge.source, edge.target) for edge in edges if not edge.may_wait}
    needs: dict[int, set[int]] = {node: {t for s, t in hard if s == node} for node in range(count)}
    done: set[int] = set()
    while ready := {node for node in needs if node not in done and needs[node] <= done}:
        done |= ready
    assert set(order.stuck) == set(range(count)) - done


def test_a_chain_is_written_from_its_end() -> None:
    assert order_nodes(3, [Edge(0, 1), Edge(1, 2)]).levels == ((2,), (1,), (0,))
