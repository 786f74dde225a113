"""``python tests/support/liars_trial.py``: tests of the suite against liars, each against the one that must catch it,
and all of them against an honest store; prints who was caught.

The output's last line is JSON: for each class the name of the test that failed first, or null.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from holdall.stores.memory import MemoryStore
from holdall.testing.conformance import StoreConformance
from tests.support.lying_stores import LIARS


class _Trial(StoreConformance):
    """Few examples: lies as plain as these show at once."""

    examples = 25
    histories = 10
    kind: type[MemoryStore]

    def open_store(self, request: pytest.FixtureRequest) -> MemoryStore:
        return self.kind("defendant")


_TESTS = [name for name in dir(StoreConformance) if name.startswith("test_")]


def _tried(kind: type[MemoryStore], *tests: str) -> type[_Trial]:
    """The suite for a store, with these tests alone: the others are not even collected."""
    others = dict.fromkeys(name for name in _TESTS if name not in tests)
    return type(f"Test{kind.__name__}", (_Trial,), {**others, "kind": kind, "__module__": __name__})


TestMemoryStore = _tried(MemoryStore, *LIARS.values())
for _liar, _test in LIARS.items():
    globals()[f"Test{_liar.__name__}"] = _tried(_liar, _test)


class _Court:
    """Tries a liar no further once it is caught."""

    def __init__(self) -> None:
        self.caught: dict[str, str | None] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        self.caught = {item.nodeid.split("::")[1]: None for item in items}

    def pytest_runtest_setup(self, item: pytest.Function) -> None:
        if self.caught[item.nodeid.split("::")[1]]:
            pytest.skip("caught already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _, name, test = report.nodeid.split("::")
            self.caught[name] = self.caught[name] or test


if __name__ == "__main__":
    settings.register_profile("trial", phases=(Phase.generate,), derandomize=True, database=None)
    settings.load_profile("trial")
    court = _Court()
    options = ["-q", "--tb=line", "--noconftest", "-p", "no:randomly", "-p", "no:cacheprovider"]
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported before pytest looks
    pytest.main([__file__, *options, *quiet], plugins=[court])
    print(json.dumps(court.caught))
