"""The auditor sees what it is there to see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contention.audit import Content, Findings, audit
from tests.contention.log import Begun, Ended, Told

_FIRST = 100
_Facts = tuple[list[Content], Told]


def facts(end: str = "done") -> _Facts:
    """One commit that moved 3 from account 0 of the first store to account 1 of the second."""
    contents = [
        Content({"c": (0, -3)}, {0: (97, 2), 1: (100, 1)}, {0: "c"}),
        Content({"c": (1, 3)}, {0: (100, 1), 1: (103, 2)}, {0: "c"}),
    ]
    told = Told()
    told.begun["c"] = Begun("c", {0: -3, 1: 3}, {0: 0, 1: 1}, 0.0)
    if end:
        told.ended["c"] = Ended("c", end, 1.0, 1.0)
    return contents, told


def nothing(end: str) -> _Facts:
    """The same commit, of which nothing is there."""
    empty = Content({}, {0: (100, 1), 1: (100, 1)}, {0: ""})
    return [empty, empty], facts(end)[1]


@pytest.mark.parametrize("end", ["done", "CommitPending", "CommitUnknown", ""])
def test_what_took_place_may_have_taken_place(end: str) -> None:
    contents, told = facts(end)
    assert audit(contents, told, _FIRST) == Findings()


@pytest.mark.parametrize("end", ["CommitAborted", "CommitUnknown", "unread", ""])
def test_what_did_not_take_place_may_not_have(end: str) -> None:
    contents, told = nothing(end)
    assert audit(contents, told, _FIRST) == Findings()


def test_a_commit_of_one_store_changes_the_sum() -> None:
    told = Told()
    told.begun["c"] = Begun("c", {0: 5}, {0: 0}, 0.0)
    contents = [Content({"c": (0, 5)}, {0: (105, 2)}), Content({}, {0: (100, 1)})]
    assert audit(contents, told, _FIRST) == Findings()


def _half(contents: list[Content], told: Told) -> None:
    del told.ended["c"]
    contents[1] = Content({}, {0: (100, 1), 1: (100, 1)}, {0: "c"})


def _found(contents: list[Content], told: Told) -> None:
    told.ended["c"] = Ended("c", "CommitAborted", 1.0, 1.0)


def _strange(contents: list[Content], told: Told) -> None:
    contents[0].entries["d"] = (0, 0)


def _torn(contents: list[Content], told: Told) -> None:
    contents[0].accounts[0] = (96, 2)


def _twice(contents: list[Content], told: Told) -> None:
    contents[1].accounts[1] = (103, 3)


def _crossed(contents: list[Content], told: Told) -> None:
    contents[1].states[0] = "d"


@pytest.mark.parametrize("harm", [_half, _found, _strange, _torn, _twice, _crossed])
def test_what_must_not_be_is_seen(harm: Callable[[list[Content], Told], None]) -> None:
    contents, told = facts()
    harm(contents, told)
    findings = audit(contents, told, _FIRST)
    kind = harm.__name__.removeprefix("_")
    assert getattr(findings, kind) > 0
    assert any(sentence.startswith(kind) for sentence in findings.sentences)
    assert not findings.is_clean


def test_what_was_acknowledged_and_is_nowhere_is_lost() -> None:
    contents, told = nothing("done")
    assert (audit(contents, told, _FIRST).lost, audit(contents, told, _FIRST).half) == (1, 0)


def test_sums_that_do_not_agree_are_seen() -> None:
    contents, told = facts("")
    contents[1] = Content({}, {0: (100, 1), 1: (100, 1)})
    assert audit(contents, told, _FIRST).off == -3
