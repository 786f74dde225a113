"""The promise of a commit, by the classes of the stores that it writes."""

from __future__ import annotations

import pytest

from holdall import Guarantee
from holdall.session.commit.plan.guarantee import guarantee_of
from holdall.store import CommitClass

_TX, _BATCH, _IDEMP, _ONCE = CommitClass.TX, CommitClass.BATCH, CommitClass.IDEMP, CommitClass.ONCE


@pytest.mark.parametrize(
    "classes, is_compensated, promised",
    [
        ([], False, Guarantee.NOTHING_TO_DO),
        ([_TX], False, Guarantee.ATOMIC),
        ([_BATCH], True, Guarantee.ATOMIC),
        ([_IDEMP], True, Guarantee.PER_RECORD),
        ([_ONCE], False, Guarantee.PER_RECORD),
        ([_TX, _BATCH], False, Guarantee.RECOVERED),
        ([_TX, _IDEMP], True, Guarantee.COMPENSATED),
        ([_TX, _IDEMP], False, Guarantee.LISTED),
        ([_TX, _ONCE], True, Guarantee.LISTED),
        ([_IDEMP, _IDEMP], True, Guarantee.COMPENSATED),
    ],
)
def test_a_commit_promises(classes: list[CommitClass], is_compensated: bool, promised: Guarantee) -> None:
    assert guarantee_of(classes, is_compensated=is_compensated) is promised


def test_promises_are_ordered() -> None:
    assert Guarantee.ATOMIC.is_at_least(Guarantee.PER_RECORD)
    assert Guarantee.RECOVERED.is_at_least(Guarantee.RECOVERED)
    assert not Guarantee.LISTED.is_at_least(Guarantee.COMPENSATED)
