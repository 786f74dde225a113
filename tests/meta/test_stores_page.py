"""``docs/stores.md`` is as ``make docs`` writes it: nothing in it by hand, and of the stores as they are."""

from __future__ import annotations

import re

import pytest

from holdall.query import Kind, Op
from holdall.store import Feature, open_store
from holdall.testing.conformance.report import PROTOCOLS, Report
from tests.support.sources import HOUSE
from tools import build_docs

_TEXT = (HOUSE / "docs" / "stores.md").read_text()
_GROUPS = {"Features": "feature", "Optional parts": "protocol", "Operators": "operator", "Kinds of value": "kind"}
_NAMES = {
    "feature": {feature.value for feature in Feature},
    "protocol": {part.__name__ for part in PROTOCOLS},
    "operator": {op.value for op in Op},
    "kind": {kind.value for kind in Kind},
}
_OPENED = {
    "MariaDB": "mariadb://127.0.0.1/none",
    "memory": "memory:",
    "MongoDB (replica set)": "mongodb://127.0.0.1/none?replicaSet=rs0",
    "MongoDB (single server)": "mongodb://127.0.0.1/none",
    "PostgreSQL": "postgresql://127.0.0.1/none",
    "Redis (cluster)": "redis+cluster://127.0.0.1",
    "Redis": "redis://127.0.0.1",
    "SQLite": "sqlite:///none.db",
    "yaml (a file per collection)": "yaml:none",
}


def _tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of each section, the header first and without the line below it."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        lines = [line for line in body.splitlines() if line.startswith("|")]
        found[title] = [[cell.strip() for cell in line[1:-1].split("|")] for line in [*lines[:1], *lines[2:]]]
    return found


def _reports(text: str) -> list[build_docs.Report]:
    """The reports that a page tells."""
    tables, back = _tables(text), {told: word for word, told in build_docs._PROMISES.items()}
    (_, *stores), (_, *commits) = tables["Commits"]
    reports: list[build_docs.Report] = [
        {"store": store, "commit": back[told], "declared": [], "verified": [], "refused": [], "failed": []}
        for store, told in zip(stores, commits, strict=True)
    ]
    for title, group in _GROUPS.items():
        for name, *cells in tables[title][1:]:
            for report, cell in zip(reports, cells, strict=True):
                told = f"{group}:{name}"
                if cell in ("yes", "declared"):
                    report["declared"].append(told)
                if cell == "yes":
                    report["verified"].append(told)
                elif cell in ("refused", "FAILED"):
                    report["refused" if cell == "refused" else "failed"].append(told)
    return reports


def _rewritten(text: str) -> str:
    absences = build_docs._absences(build_docs._VOCABULARY.read_text())
    return build_docs.page(_reports(text), absences | build_docs._parts_absent(*build_docs._CONTRACT))


def test_it_is_what_its_own_reports_make() -> None:
    assert _rewritten(_TEXT) == _TEXT, "run make docs"


@pytest.mark.parametrize(
    "old, new",
    [("# What each", "# What any"), ("| yes |", "| yes, but slow |"), ("## Features", "By hand.\n\n## Features")],
)
def test_a_change_by_hand_is_found(old: str, new: str) -> None:
    changed = _TEXT.replace(old, new, 1)
    assert changed != _TEXT
    assert _rewritten(changed) != changed


@pytest.mark.parametrize("group", list(_NAMES))
def test_it_tells_of_every_name_there_is(group: str) -> None:
    (title,) = (title for title, found in _GROUPS.items() if found == group)
    assert {row[0] for row in _tables(_TEXT)[title][1:]} == _NAMES[group], "run make docs"


@pytest.mark.parametrize("store, url", list(_OPENED.items()))
def test_it_tells_of_stores_as_they_are(store: str, url: str) -> None:
    (report,) = (report for report in _reports(_TEXT) if report["store"] == store)
    assert set(report["declared"]) == Report(open_store("none", url)).declared, "run make docs"
