"""What must hold of all stores after recovery, as a function of what they hold and of what the program was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from tests.servers.api import Called

__all__ = ["Content", "End", "Listed", "audit"]


class End(msgspec.Struct, frozen=True):
    """How a transfer ended, as its program was told: the name of the error, or ``done``; its amounts by store."""

    transfer: str
    end: str
    amounts: dict[str, int]


class Content(msgspec.Struct, frozen=True):
    """What a store holds: each transfer's amount, and each account's total where it keeps accounts."""

    entries: dict[str, int]
    totals: dict[str, int] = {}


class Listed(msgspec.Struct, frozen=True):
    """An effect that recovery says is left over: a transfer's entry in a store."""

    store: str
    transfer: str


def audit(
    contents: Mapping[str, Content],
    ends: Mapping[str, End],
    listed: frozenset[Listed],
    calls: Mapping[str, list[Called]],
    begun: Mapping[str, dict[str, int]],
) -> list[str]:
    """Every sentence says one thing that must not be; empty if all is well.

    ``ends`` are the transfers whose end the program was told, ``begun`` the amounts of all that were begun, ``calls``
    what APIs were sent, by store; only those that count every call (``once``) are looked at.
    """
    wrong = []
    for transfer, amounts in begun.items():
        there = {store for store in amounts if transfer in contents[store].entries}
        missing = set(amounts) - there
        told = ends[transfer].end if transfer in ends else "nothing"
        unlisted = {store for store in there if Listed(store, transfer) not in listed}
        if told in ("done", "CommitPending") and missing:
            wrong.append(f"lost: {transfer} ended with {told}, but is missing from {_names(missing)}")
        elif told == "CommitAborted" and there:
            wrong.append(f"undead: {transfer} was aborted, but is in {_names(there)}")
        elif there and missing and unlisted:
            wrong.append(
                f"diverged: {transfer} ({told}) is in {_names(unlisted)}, unlisted, but not in {_names(missing)}"
            )
        for store in there:
            if contents[store].entries[transfer] != amounts[store]:
                wrong.append(f"changed: {transfer} has another amount in {store}")
    for store, content in contents.items():
        wrong += [f"unknown: {key} in {store} was never begun" for key in content.entries if key not in begun]
        if content.totals and sum(content.totals.values()) != sum(content.entries.values()):
            wrong.append(f"torn: the accounts of {store} do not add up to its entries")
    for store, sent in calls.items():
        for key, count in Counter(call.key for call in sent if call.method == "POST").items():
            if count > 1:
                wrong.append(f"twice: {key} was sent to {store} {count} times")
    return wrong


def _names(stores: set[str]) -> str:
    return ", ".join(sorted(stores))
