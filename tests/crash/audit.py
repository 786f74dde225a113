"""What must hold of all stores after recovery, as a function of what they hold and of what the program was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from tests.servers.api import Called

__all__ = ["TAKEN", "Content", "End", "Listed", "audit"]

TAKEN = "taken"
"""A transfer that every store has from the beginning: one that is to add it again is refused."""


class End(msgspec.Struct, frozen=True):
    """How a transfer ended, as its program was told: the name of the error, or ``done``; empty if it was not told.

    ``amounts`` are its entries by store; one that ``cancels`` another removes that one's.
    """

    transfer: str
    end: str
    amounts: dict[str, int]
    cancels: str = ""


class Content(msgspec.Struct, frozen=True):
    """What a store holds: each transfer's amount, and each account's total where it keeps accounts."""

    entries: dict[str, int]
    totals: dict[str, int] = {}


class Listed(msgspec.Struct, frozen=True):
    """An effect that recovery says is left over, or may be: an entry, or an account, in a store."""

    store: str
    key: str


def audit(
    contents: Mapping[str, Content],
    transfers: Mapping[str, End],
    listed: frozenset[Listed],
    calls: Mapping[str, list[Called]],
) -> list[str]:
    """Every sentence says one thing that must not be; empty if all is well.

    ``transfers`` are all that were begun. ``calls`` are what APIs that count every call were sent, by store.
    """
    wrong: list[str] = []
    cancelled = {item.cancels: item for item in transfers.values() if item.cancels}
    for name, transfer in transfers.items():
        if not transfer.cancels:
            wrong += _misplaced(contents, transfer, cancelled.get(name), listed)
    for store, content in contents.items():
        wrong += [f"unknown: {key} in {store} was never begun" for key in content.entries if key not in transfers]
        is_whole = not any(item.store == store for item in listed)
        if content.totals and is_whole and sum(content.totals.values()) != sum(content.entries.values()):
            difference = sum(content.totals.values()) - sum(content.entries.values())
            wrong.append(f"torn: the accounts of {store} are off by {difference} from its entries")
    for store, sent in calls.items():
        counted = Counter((call.method, call.key) for call in sent if call.method in ("POST", "DELETE"))
        for (method, key), count in counted.items():
            if count > 1 and key != TAKEN:
                wrong.append(f"twice: {method} {key} was sent to {store} {count} times")
    return wrong


def _misplaced(
    contents: Mapping[str, Content], added: End, cancelled: End | None, listed: frozenset[Listed]
) -> Iterator[str]:
    """What is wrong with where the entries of a transfer are, and where they are not."""
    name, stores = added.transfer, set(added.amounts)
    there = {store for store in stores if name in contents[store].entries}
    last = cancelled or added
    effect = stores - there if cancelled else there  # where the last commit about it took effect
    other = stores - effect
    unlisted = {store for store in effect if Listed(store, name) not in listed}
    if last.end in ("done", "CommitPending") and other:
        yield f"lost: {last.transfer} ended with {last.end}, but did nothing to {name} in {_names(other)}"
    elif last.end == "CommitAborted" and effect:
        yield f"undead: {last.transfer} was aborted, but changed {name} in {_names(effect)}"
    elif effect and other and unlisted:
        ended = last.end or "untold"
        yield f"diverged: {last.transfer} ({ended}) changed {name} in {_names(unlisted)}, but not in {_names(other)}"
    for store in there:
        if contents[store].entries[name] != added.amounts[store]:
            yield f"changed: {name} has another amount in {store}"


def _names(stores: set[str]) -> str:
    return ", ".join(sorted(stores))
