"""Why a user may do something with a record, or may not: each rule, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from holdall.model import Record
from holdall.policy import SYSTEM, AllOf, AnyOf, Grant, NotOf, Right, Rule, User, bound, described
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.presets import read_only_fields
from holdall.session.references.deciding import Deciding, Subject, row_of
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["AccessReport", "RuleReport", "explain_access"]


class RuleReport(msgspec.Struct, frozen=True):
    """One rule of a policy, in words, and whether it holds; ``depth`` says within how many others it stands.

    Example: :class:`AccessReport`.
    """

    policy: str
    rule: str
    holds: bool
    depth: int = 0


class AccessReport(msgspec.Struct, frozen=True):
    """Whether a user may do something with a record, and why.

    ``hidden`` are fields that he may not read, ``read_only`` those that he may not write.

    >>> print(AccessReport("ann", "update", "book", False, (RuleReport("", "owner = me.id", False),)))
    ann may not update book: no rule holds
      no   owner = me.id
    """

    user: str
    verb: str
    collection: str
    is_allowed: bool
    rules: tuple[RuleReport, ...]
    hidden: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()

    def __str__(self) -> str:
        decided = [rule.rule for rule in self.rules if rule.holds and not rule.depth]
        why = f"by {' and '.join(decided)}" if self.is_allowed and decided else "no rule holds"
        why = "the program itself may everything" if self.is_allowed and not self.rules else why
        lines = [f"{self.user} {'may' if self.is_allowed else 'may not'} {self.verb} {self.collection}: {why}"]
        for rule in self.rules:
            told = f" ({rule.policy})" if rule.policy and not rule.depth else ""
            lines.append(f"  {'yes' if rule.holds else 'no '}  {'  ' * rule.depth}{rule.rule}{told}")
        lines += [f"  hidden: {', '.join(self.hidden)}"] if self.hidden else []
        lines += [f"  not to be written: {', '.join(self.read_only)}"] if self.read_only else []
        return "\n".join(lines)


async def explain_access(bindings: Bindings, user: User, verb: Right, record: Record) -> AccessReport:
    """Ask every rule about a record as it is. Raises StateError where its model is in no store.

    Example: :class:`AccessReport`.
    """
    binding = bindings.of_model(type(record))
    name = str(user.id) if user.id is not None else "an anonymous visitor"
    if user.unrestricted:
        return AccessReport(name, verb.value, binding.collection, is_allowed=True, rules=())
    deciding = Deciding(bindings, None, SemiJoins(bindings, SYSTEM, joins=False))
    subject = Subject(binding, row_of(binding, record), record)
    found = list[RuleReport]()
    for policy, rule in binding.policy.rules(verb):
        for each, depth in _within(rule, 0):
            (holds,) = await deciding.meet(bound(each, user), [subject])
            found.append(RuleReport(policy, described(each), holds, depth))
    (is_allowed,) = await deciding.meet(binding.policy.bound(verb, user), [subject])
    return AccessReport(
        name,
        verb.value,
        binding.collection,
        is_allowed,
        tuple(found),
        tuple(sorted(binding.policy.hidden(user))),
        tuple(sorted(read_only_fields(binding, user, is_new=verb is Right.CREATE))),
    )


def _within(rule: Grant | Rule, depth: int) -> Iterator[tuple[Grant | Rule, int]]:
    """A rule and those that it is made of."""
    yield rule, depth
    items: tuple[Grant | Rule, ...] = ()
    if isinstance(rule, AllOf | AnyOf):
        items = rule.items
    elif isinstance(rule, NotOf):
        items = (rule.item,)
    for item in items:
        yield from _within(item, depth + 1)
