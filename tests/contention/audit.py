"""What must hold of all stores once everything is up again, as a function of what they hold and of what was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tests.contention.log import ACKNOWLEDGED, Begun, Told

__all__ = ["Content", "Findings", "audit", "standing"]

_MOST_SENTENCES = 20


class Content(msgspec.Struct, frozen=True):
    """What a store holds, read past Holdall.

    ``entries`` are (account, amount) by id, ``accounts`` (balance, version) by key, empty where records have none;
    ``states`` is what else must be the same on all sides, by key.
    """

    entries: dict[str, tuple[int, int]]
    accounts: dict[int, tuple[int, int]] = {}
    states: dict[int, str] = {}


class Findings(msgspec.Struct):
    """How much of what must not be there is there, in commits unless it says otherwise.

    ``torn`` and ``crossed`` are counted in records: an account that is not the sum of its entries, a record whose last
    writers differ between stores. ``off`` is how far the balances are from their sum.
    """

    half: int = 0
    lost: int = 0
    found: int = 0
    strange: int = 0
    twice: int = 0
    torn: int = 0
    crossed: int = 0
    off: int = 0
    sentences: list[str] = msgspec.field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.half or self.lost or self.found or self.strange or self.twice or self.torn or self.crossed)

    def say(self, sentence: str) -> None:
        """Keep a sentence, if there are not too many."""
        if len(self.sentences) < _MOST_SENTENCES:
            self.sentences.append(sentence)


def audit(contents: Sequence[Content], told: Told, first: int) -> Findings:
    """Hold all stores, by number, against each other and against what was told; ``first`` is each first balance."""
    findings = Findings()
    for begun in told.begun.values():
        _look_at(findings, contents, begun, told.end_of(begun.id))
    for side, content in enumerate(contents):
        for name in content.entries.keys() - told.begun.keys():
            findings.strange += 1
            findings.say(f"strange: {name} in store {side} was never begun")
        for sentence, kind in _torn(content, side, first):
            setattr(findings, kind, getattr(findings, kind) + 1)
            findings.say(f"{kind}: {sentence}")
    for key in contents[0].states:
        states = {content.states.get(key, "") for content in contents}
        if len(states) > 1:
            findings.crossed += 1
            findings.say(f"crossed: record {key} was written last by different commits: {sorted(states)}")
    findings.off = _off(contents, told, first)
    return findings


def standing(begun: Begun, entries: Sequence[Mapping[str, object] | frozenset[str]]) -> tuple[list[int], list[int]]:
    """In which of its stores a commit took effect, and in which it did not."""
    there = [side for side in begun.amounts if begun.id in entries[side]]
    return there, [side for side in begun.amounts if side not in there]


def _look_at(findings: Findings, contents: Sequence[Content], begun: Begun, end: str) -> None:
    there, missing = standing(begun, [content.entries for content in contents])
    if there and missing:
        findings.half += 1
        findings.say(f"half: {begun.id} ({end or 'untold'}) is in {there} and not in {missing}")
    if end in ACKNOWLEDGED and missing:
        findings.lost += 1
        findings.say(f"lost: {begun.id} ended with {end} and is not in {missing}")
    if end in ("CommitAborted", "unread") and there:
        findings.found += 1
        findings.say(f"found: {begun.id} ended with {end} and is in {there}")
    for side in there:
        if contents[side].entries[begun.id] != (begun.accounts[side], begun.amounts[side]):
            findings.strange += 1
            findings.say(f"strange: {begun.id} is another in store {side}")


def _torn(content: Content, side: int, first: int) -> Iterator[tuple[str, str]]:
    """Accounts that are not what their entries make them."""
    sums: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    for account, amount in content.entries.values():
        sums[account] += amount
        counts[account] += 1
    for key, (balance, version) in content.accounts.items():
        if balance != first + sums[key]:
            yield f"account {key} of store {side} is off by {balance - first - sums[key]} from its entries", "torn"
        if version - 1 > counts[key]:
            yield f"account {key} of store {side} was written {version - 1} times for {counts[key]} entries", "twice"


def _off(contents: Sequence[Content], told: Told, first: int) -> int:
    """How far all balances are from what they were together, commits of one store left aside."""
    total = 0
    for side, content in enumerate(contents):
        total += sum(balance - first for balance, _ in content.accounts.values())
        for name, (_, amount) in content.entries.items():
            begun = told.begun.get(name)
            if content.accounts and begun is not None and list(begun.amounts) == [side]:
                total -= amount
    return total
