"""The auditor sees what it is there to see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.audit import Content, End, Listed, audit
from tests.servers.api import Called

Facts = tuple[dict[str, Content], dict[str, End], frozenset[Listed], dict[str, list[Called]], dict[str, dict[str, int]]]


def facts(end: str = "done") -> Facts:
    """One transfer in both its stores."""
    amounts = {"sqlite": -3, "once": 3}
    contents = {"sqlite": Content({"t": -3}, {"0": -1, "1": -2}), "once": Content({"t": 3})}
    return (
        contents,
        {"t": End("t", end, amounts)},
        frozenset(),
        {"once": [Called("POST", "t", "x", True)]},
        {"t": amounts},
    )


def test_what_is_well_is_well() -> None:
    for end in ("done", "CommitUnknown", "CommitPending"):
        assert audit(*facts(end)) == []
    contents, _, listed, calls, begun = facts()
    assert audit(contents, {}, listed, calls, begun) == []  # it was killed before it was told
    nothing = {store: Content({}) for store in contents}
    for end in ("CommitAborted", "CommitUnknown", "CommitPartial"):
        assert audit(nothing, facts(end)[1], listed, calls, begun) == []


def test_what_is_listed_may_be_left_over() -> None:
    contents, ends, _, calls, begun = facts("CommitPartial")
    contents["sqlite"] = Content({})
    assert audit(contents, ends, frozenset([Listed("once", "t")]), calls, begun) == []
    assert audit(contents, {}, frozenset([Listed("once", "t")]), calls, begun) == []


def _lost(it: Facts) -> None:
    it[0]["once"] = Content({})


def _undead(it: Facts) -> None:
    it[1]["t"] = End("t", "CommitAborted", {})


def _diverged(it: Facts) -> None:
    it[0]["sqlite"] = Content({})
    del it[1]["t"]


def _changed(it: Facts) -> None:
    it[0]["once"] = Content({"t": 4})


def _unknown(it: Facts) -> None:
    it[0]["once"].entries["u"] = 0


def _torn(it: Facts) -> None:
    it[0]["sqlite"].totals["0"] = 0


def _twice(it: Facts) -> None:
    it[3]["once"].append(Called("POST", "t", "y", False))


@pytest.mark.parametrize("harm", [_lost, _undead, _diverged, _changed, _unknown, _torn, _twice])
def test_what_must_not_be_is_seen(harm: Callable[[Facts], None]) -> None:
    it = facts()
    harm(it)
    (wrong,) = audit(*it)
    assert wrong.startswith(harm.__name__.removeprefix("_"))
