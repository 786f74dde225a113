"""Values that go round in a circle of records: these go in one call, and all of them wait for what one needs."""

from __future__ import annotations

from holdall.session import Edge
from holdall.session.commit.calls.passing import kept_together


def test_edges_outside_of_circles_stay_as_they_are() -> None:
    edges = [Edge(0, 1), Edge(4, 0, may_wait=True)]
    assert list(kept_together(edges, [[2, 3]])) == edges


def test_none_in_a_circle_waits_for_another() -> None:
    edges = [Edge(2, 3, may_wait=True), Edge(3, 2, may_wait=True), Edge(0, 2, may_wait=True)]
    assert list(kept_together(edges, [[2, 3]])) == [Edge(0, 2, may_wait=True)]


def test_all_of_a_circle_wait_for_what_one_needs() -> None:
    kept = kept_together([Edge(2, 0, may_wait=True), Edge(3, 0, may_wait=True)], [[2, 3, 5]])
    assert list(kept) == [Edge(number, 0, may_wait=True) for number in (2, 3, 5)]


def test_an_edge_that_may_not_wait_is_kept_within_a_circle() -> None:
    edges = [Edge(2, 3), Edge(3, 2, may_wait=True)]
    assert list(kept_together(edges, [[2, 3]])) == [Edge(2, 3)]


def test_circles_wait_for_each_other() -> None:
    kept = kept_together([Edge(0, 2, may_wait=True)], [[0, 1], [2, 3]])
    assert list(kept) == [Edge(0, 2, may_wait=True), Edge(1, 2, may_wait=True)]
