"""Classes that share the tests of the suite run all of them together, each its own."""

from __future__ import annotations

import pytest

from holdall.testing.conformance import StoreConformance

_ALL = {name for name in dir(StoreConformance) if name.startswith("test_")}


def _tests(suite: type[StoreConformance]) -> set[str]:
    return {name for name in _ALL if getattr(suite, name) is not None}


def test_parts_are_all_tests_without_one_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDALL_WHOLE", raising=False)
    parts = [_tests(type("TestPart", (StoreConformance,), {"part": (number, 3)})) for number in (1, 2, 3)]
    assert sum(map(len, parts)) == len(_ALL)
    assert set().union(*parts) == _ALL


def test_a_test_of_the_class_itself_is_in_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDALL_WHOLE", raising=False)
    own = dict.fromkeys(_ALL, lambda self: None)
    assert _tests(type("TestPart", (StoreConformance,), {"part": (1, 50), **own})) == _ALL


def test_there_are_no_parts_where_all_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDALL_WHOLE", "1")
    assert _tests(type("TestPart", (StoreConformance,), {"part": (1, 50)})) == _ALL


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="there are parts 1 to 3"):
        type("TestPart", (StoreConformance,), {"part": (4, 3)})
