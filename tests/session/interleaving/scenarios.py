"""Every world that is explored: kinds of stores, and what is wanted of them at the same time."""

from __future__ import annotations

from holdall.session.commit.failpoint import Failpoint
from holdall.store import CommitClass, Hold
from tests.session.interleaving.accounts import (
    EARN,
    HELPER,
    PUT,
    SPENDER,
    close,
    found,
    move,
    role,
    set_both,
    slip,
    transfer,
)
from tests.session.interleaving.worlds import Scenario

__all__ = ["SCENARIOS"]

_ONE = role("one", transfer(1, "a"), 1, "a")
_SAME = (_ONE, role("two", transfer(1, "a"), 1, "a"))
_MEETING = (_ONE, role("two", transfer(2, "a"), 2, "a"))
_APART = (_ONE, role("two", transfer(2, "b"), 2, "b"))
_NEW = (role("one", found(1, "n"), 1, "n"), role("two", found(2, "n"), 2, "n"))
_UNIQUE = (role("one", found(1, "n", "nick"), 1, "n"), role("two", found(2, "m", "nick"), 2, "m"))
_KEYED = (role("one", slip(1, "a"), 1, "a"), role("two", slip(2, "a"), 2, "a"))
_REMOVED = (role("one", close(1, "a"), 1, "a", -10), role("two", transfer(2, "a"), 2, "a"))
_DYING = (role("one", transfer(1, "a"), 1, "a", dies_at=Failpoint.DECIDED), _MEETING[1])

_CHAIN = (
    move("one", ("account", 1, -10), ("purse", "a", 10)),
    move("two", ("purse", "a", -5), ("jar", "j", 5)),
    move("three", ("jar", "j", -1), ("account", 1, 1)),
)
_THREE = (
    move("one", ("account", 1, -10), ("purse", "a", 6), ("jar", "j", 4)),
    move("two", ("account", 2, -10), ("purse", "a", 6), ("jar", "j", 4)),
)

_BLIND = (set_both("one", 1), set_both("two", 2), HELPER)

_TX, _BATCH = (CommitClass.TX, Hold.RESERVED), (CommitClass.BATCH, Hold.RESERVED)
_PLAIN, _PLAIN_BATCH = (CommitClass.TX, Hold.NONE), (CommitClass.BATCH, Hold.NONE)

SCENARIOS = (
    Scenario("tx+batch same record", _TX, _BATCH, (*_SAME, HELPER)),
    Scenario("tx+batch same purse", _TX, _BATCH, (*_MEETING, PUT, HELPER)),
    Scenario("tx+batch apart", _TX, _BATCH, (*_APART, EARN)),
    Scenario("tx+batch new key", _TX, _BATCH, (*_NEW, HELPER)),
    Scenario("tx+batch unique value", _TX, _BATCH, (*_UNIQUE, HELPER)),
    Scenario("tx+batch key made at home", _TX, _BATCH, (*_KEYED, HELPER)),
    Scenario("tx+batch removed", _TX, _BATCH, (*_REMOVED, PUT)),
    Scenario("tx+batch lease only", _TX, _BATCH, (*_MEETING, HELPER), sees_death=False),
    Scenario("tx+tx same purse", _TX, _TX, (*_MEETING, PUT, HELPER)),
    Scenario("tx+tx lease only", _TX, _TX, (*_KEYED, HELPER), sees_death=False),
    Scenario("batch+batch same purse", _BATCH, _BATCH, (*_MEETING, EARN, HELPER)),
    Scenario("batch+batch lease only", _BATCH, _BATCH, (*_SAME, PUT), sees_death=False),
    Scenario("tx+tx+tx chain", _TX, _TX, (*_CHAIN, HELPER), third=_TX),
    Scenario("tx+batch+batch all three", _TX, _BATCH, (*_THREE, HELPER), third=_BATCH),
    Scenario("batch+batch+tx chain", _BATCH, _BATCH, (*_CHAIN, HELPER), third=_TX),
    Scenario("plain+plain+batch all three", _PLAIN, _PLAIN, (*_THREE, PUT, HELPER), third=_BATCH, weak=True),
    Scenario("plain+batch+batch all three", _PLAIN, _PLAIN_BATCH, (*_THREE, PUT), third=_BATCH, weak=True),
    Scenario("tx+batch blind", _TX, _BATCH, _BLIND),
    Scenario("tx+tx blind", _TX, _TX, _BLIND, sees_death=False),
    Scenario("batch+batch blind", _BATCH, _BATCH, _BLIND),
    Scenario("tx+batch harsh", _TX, _BATCH, (*_MEETING, PUT, HELPER), harsh=True),
    Scenario("tx+tx+tx harsh", _TX, _TX, (*_CHAIN, HELPER), third=_TX, harsh=True),
    Scenario("batch+batch harsh", _BATCH, _BATCH, (*_NEW, HELPER), harsh=True),
    Scenario("plain+batch+batch harsh", _PLAIN, _PLAIN_BATCH, (*_THREE, PUT), third=_BATCH, weak=True, harsh=True),
    Scenario("plain+plain same purse", _PLAIN, _PLAIN, (*_MEETING, PUT, HELPER), weak=True),
    Scenario("plain+plain one dies", _PLAIN, _PLAIN, (_DYING[0], PUT, _DYING[1], HELPER), weak=True),
    Scenario("plain+plain both changed", _PLAIN, _PLAIN, (_DYING[0], PUT, SPENDER, HELPER), weak=True),
    Scenario("plain+batch same purse", _PLAIN, _PLAIN_BATCH, (*_MEETING, PUT, HELPER), weak=True),
    Scenario("plain+batch one dies", _PLAIN, _PLAIN_BATCH, (_DYING[0], PUT, _DYING[1], HELPER), weak=True),
)
