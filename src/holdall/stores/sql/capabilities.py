"""The capabilities of SQL databases, by their family."""

from __future__ import annotations

from holdall.query import Kind, Op
from holdall.store import ACCEPTABLE, Capabilities, CommitClass, Feature, Hold, Limits
from holdall.stores.sql.isolation import LEVELS, LOCKS

__all__ = ["capabilities_of"]

_LACKING = {"sqlite": frozenset({Feature.GENERATED_PARTS})}  # it counts rows, and so whole keys


def capabilities_of(family: str, hold: Hold, *, is_durable: bool) -> Capabilities:
    """The features, limits and commit class of a database of this family."""
    return Capabilities(
        commit=CommitClass.TX,
        features=frozenset(Feature) - {Feature.STREAMS} - _LACKING.get(family, frozenset()),
        operators=frozenset(Op),
        kinds=frozenset(Kind),
        limits=Limits(),
        is_durable=is_durable,
        differences=ACCEPTABLE - {"index", "unread"},
        hold=hold,
        isolation=LEVELS.get(family, frozenset()),
        locks=LOCKS.get(family, frozenset()),
    )
