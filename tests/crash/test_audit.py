"""The auditor sees what it is there to see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.audit import Content, End, Listed, audit
from tests.servers.api import Called

Facts = tuple[dict[str, Content], dict[str, End], frozenset[Listed], dict[str, list[Called]]]
_AMOUNTS = {"sqlite": -3, "once": 3}


def facts(end: str = "done") -> Facts:
    """One transfer in both its stores."""
    contents = {"sqlite": Content({"t": -3}, {"0": -1, "1": -2}), "once": Content({"t": 3})}
    calls = {"once": [Called("POST", "t", "x", True)]}
    return contents, {"t": End("t", end, _AMOUNTS)}, frozenset(), calls


def cancelled(end: str) -> dict[str, End]:
    """The same, cancelled by another."""
    return {"t": End("t", "done", _AMOUNTS), "c": End("c", end, _AMOUNTS, cancels="t")}


NOTHING = {store: Content({}) for store in _AMOUNTS}


@pytest.mark.parametrize("end", ["done", "CommitUnknown", "CommitPending", ""])
def test_what_took_place_may_have_taken_place(end: str) -> None:
    contents, transfers, listed, calls = facts(end)
    assert audit(contents, transfers, listed, calls) == []
    assert audit(NOTHING, cancelled(end), listed, calls) == []


@pytest.mark.parametrize("end", ["CommitAborted", "CommitUnknown", "CommitPartial", ""])
def test_what_did_not_take_place_may_not_have(end: str) -> None:
    contents, transfers, listed, calls = facts(end)
    assert audit(NOTHING, transfers, listed, calls) == []
    assert audit(contents, cancelled(end), listed, calls) == []


def test_what_is_listed_may_be_left_over() -> None:
    contents, transfers, _, calls = facts("CommitPartial")
    contents["sqlite"] = Content({})
    assert audit(contents, transfers, frozenset([Listed("once", "t")]), calls) == []
    contents, transfers, _, calls = facts()
    contents["once"] = Content({})
    assert audit(contents, cancelled(""), frozenset([Listed("once", "t")]), calls) == []


def _lost(it: Facts) -> None:
    it[0]["once"] = Content({})


def _undead(it: Facts) -> None:
    it[1]["t"] = End("t", "CommitAborted", _AMOUNTS)


def _diverged(it: Facts) -> None:
    it[0]["sqlite"] = Content({})
    it[1]["t"] = End("t", "", _AMOUNTS)


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


@pytest.mark.parametrize(
    "end, has_gone, kind",
    [("done", set(), "lost"), ("CommitAborted", {"sqlite", "once"}, "undead"), ("", {"sqlite"}, "diverged")],
)
def test_what_must_not_be_of_a_cancelled_one_is_seen(end: str, has_gone: set[str], kind: str) -> None:
    contents, _, listed, calls = facts()
    for store in has_gone:
        contents[store] = Content({})
    (wrong,) = audit(contents, cancelled(end), listed, calls)
    assert wrong.startswith(kind)
