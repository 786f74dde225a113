"""Queries drawn at random, against ``evaluate``."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall.store import Aggregating, Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires
from holdall.testing.strategies import conditions, queries

__all__ = ["Generated", "drawn", "drawn_alike", "share_drawn"]


_DRAWN: dict[Hashable, list[object]] = {}
_folders: list[Path] = []


def share_drawn(folder: Path) -> None:
    """Let processes that are forked from this one keep there what one of them has drawn, for the others.

    Example: :func:`drawn_alike`.
    """
    _folders[:] = [folder]


def drawn(strategy: st.SearchStrategy[Any], examples: int, check: Callable[[Any], object]) -> None:
    """Run ``check`` on this many examples of the strategy, with no limit of time for one."""

    def once(example: object) -> None:
        check(example)

    run = given(strategy)(once)
    every = [
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ]
    settings(max_examples=examples, deadline=None, suppress_health_check=every)(run)()


def drawn_alike(
    case: Case,
    theme: Hashable,
    strategy: Callable[[], st.SearchStrategy[Any]],
    examples: int,
    check: Callable[[Any], object],
) -> None:
    """As ``drawn``, for examples that depend on nothing but the fixed records: where each run draws the same, stores
    that keep the same collections share what was drawn, which takes as long as asking them.
    """
    if not settings().derandomize:
        drawn(strategy(), examples, check)
        return
    key = (theme, examples, case.likeness)
    if key not in _DRAWN:
        _DRAWN[key] = _drawn_once(key, partial(_drawn, strategy, examples))
    for example in _DRAWN[key]:
        try:
            check(example)
        except Exception:
            drawn(strategy(), examples, check)  # it looks for the smallest that fails
            raise


def _drawn(strategy: Callable[[], st.SearchStrategy[object]], examples: int) -> list[object]:
    found: list[object] = []
    drawn(strategy(), examples, found.append)
    return found


def _drawn_once(key: Hashable, draw: Callable[[], list[object]]) -> list[object]:
    """Return what was drawn, by this process or by one that shares with it, for which others wait."""
    if not _folders:
        return draw()
    import fcntl  # which is there wherever a process can be forked

    name = hashlib.sha256(repr(key).encode()).hexdigest()
    with (_folders[0] / name).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if content := file.read():
            found: list[object] = pickle.loads(content)  # noqa: S301 - written by a fork of the same process
            return found
        found = draw()
        file.write(pickle.dumps(found))
        return found


class Generated:
    """Answers of ``fetch`` and ``count`` to any query."""

    examples = 100
    """How many queries a test draws."""

    @requires(Feature.FILTER)
    def test_any_condition(self, case: Case) -> None:
        """Conditions on own fields."""
        case.load()
        operators = case.store.capabilities.operators
        for name in ("sample", "book"):
            drawn_alike(
                case,
                ("condition", name),
                partial(conditions, case.tables, name, operators, depth=0, with_many=False),
                self.examples,
                partial(case.expect_keys, name),
            )

    @requires(Feature.FILTER, Feature.RELATIONS)
    def test_any_condition_through_references(self, case: Case) -> None:
        """Conditions with paths through references."""
        case.load()
        operators = case.store.capabilities.operators
        drawn_alike(
            case,
            "condition through references",
            partial(conditions, case.tables, "book", operators, depth=2, with_many=False),
            self.examples,
            partial(case.expect_keys, "book"),
        )

    @requires(Feature.FILTER, Feature.RELATIONS, Feature.MANY_CONDITIONS)
    def test_any_condition_over_many(self, case: Case) -> None:
        """Conditions with Some and Every, nested."""
        case.load()
        operators = case.store.capabilities.operators
        for name in ("country", "author", "book"):
            drawn_alike(
                case,
                ("condition over many", name),
                partial(conditions, case.tables, name, operators, depth=2),
                self.examples // 2,
                partial(case.expect_keys, name),
            )

    @requires(Feature.FILTER, Feature.SORT, Feature.OFFSET, Feature.KEYSET, Feature.PROJECTION, Feature.RELATIONS)
    def test_any_query(self, case: Case) -> None:
        """Whole queries: condition, sort, limit, offset, position, projection."""
        case.load()
        operators = case.store.capabilities.operators
        many = case.declares(Feature.MANY_CONDITIONS)
        asked = partial(queries, case.tables, operators, 2, many)
        drawn_alike(case, "query", asked, self.examples * 2, case.expect)

    @requires(Aggregating)
    def test_any_count(self, case: Case) -> None:
        """Counting what a condition means, whatever else the query says."""
        case.load()
        operators = case.store.capabilities.operators
        relations = 2 if case.declares(Feature.RELATIONS) else 0
        many = case.declares(Feature.MANY_CONDITIONS)
        asked = partial(queries, case.tables, operators, relations, many)
        drawn_alike(case, ("count", relations), asked, self.examples, case.expect_count)
