"""``python tests/support/liars_trial.py``: the suite against an honest store and all liars; prints who was caught.

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
    theme = ""

    def open_store(self, request: pytest.FixtureRequest) -> MemoryStore:
        return self.kind("defendant")


class TestHonest(_Trial):
    kind = MemoryStore


for _liar, _theme in LIARS.items():
    _name = f"Test{_liar.__name__}"
    globals()[_name] = type(_name, (_Trial,), {"kind": _liar, "theme": _theme, "__module__": __name__})


class _Court:
    """Runs a liar's theme only, and no further once it is caught."""

    def __init__(self) -> None:
        self.caught: dict[str, str | None] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        items[:] = [item for item in items if item.function.__qualname__.startswith(self._class(item).theme)]
        self.caught = {self._class(item).__name__: None for item in items}

    def pytest_runtest_setup(self, item: pytest.Function) -> None:
        if self.caught[self._class(item).__name__]:
            pytest.skip("caught already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _, name, test = report.nodeid.split("::")
            self.caught[name] = self.caught[name] or test

    @staticmethod
    def _class(item: pytest.Function) -> type[_Trial]:
        assert item.cls is not None
        return item.cls  # type: ignore[no-any-return]


if __name__ == "__main__":
    settings.register_profile("trial", phases=(Phase.generate,), derandomize=True, database=None)
    settings.load_profile("trial")
    court = _Court()
    options = ["-q", "--tb=line", "--noconftest", "-p", "no:randomly", "-p", "no:cacheprovider"]
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported before pytest looks
    pytest.main([__file__, *options, *quiet], plugins=[court])
    print(json.dumps(court.caught))
