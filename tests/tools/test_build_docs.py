from __future__ import annotations

from holdall.store import Feature
from holdall.testing.conformance.report import PROTOCOLS
from tools.build_docs import _CONTRACT, _VOCABULARY, Report, _absences, _parts_absent, page

_REPORT: Report = {
    "store": "shelf",
    "commit": "once",
    "declared": ["feature:filter", "feature:sort", "operator:eq"],
    "verified": ["feature:filter"],
    "refused": ["feature:offset"],
    "failed": ["operator:eq"],
}


def _cells(text: str) -> dict[str, str]:
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip("| "): row[1].strip("| ") for row in rows}


def test_the_page_tells_what_was_seen_and_not_what_was_said() -> None:
    cells = _cells(page([_REPORT], {}))
    assert cells["filter"] == "yes"
    assert cells["sort"] == "declared"
    assert cells["offset"] == "refused"
    assert cells["eq"] == "FAILED"


def test_every_feature_says_what_happens_without_it() -> None:
    absences = _absences(_VOCABULARY.read_text())
    assert set(absences) == {feature.value for feature in Feature}
    assert all(absences.values())


def test_every_optional_part_says_what_happens_without_it() -> None:
    assert set(_parts_absent(*_CONTRACT)) == {part.__name__ for part in PROTOCOLS}
