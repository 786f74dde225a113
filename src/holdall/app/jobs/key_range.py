"""Ranges of keys: the records of a part, page by page, and the bounds between parts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from holdall.errors import CorruptRecord
from holdall.policy import SYSTEM
from holdall.query import And, Compare, Condition, Key, Op, Or, Query, Value, both
from holdall.session import Binding, Bindings
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["key_of", "keys_in", "text_of"]


def text_of(key: Key) -> str:
    """A key as text."""
    return json.dumps([str(each) for each in (key if isinstance(key, tuple) else (key,))])


def key_of(binding: Binding, text: str) -> Key:
    """The key of a text; None for none."""
    return binding.key_of_texts(json.loads(text)) if text else None


async def keys_in(
    bindings: Bindings,
    binding: Binding,
    condition: Condition,
    after: Key,
    last: Key,
    size: int,
    broken: list[CorruptRecord],
) -> AsyncIterator[list[Key]]:
    """The keys after one and up to another, of records that meet the condition, ``size`` at a time, in order."""
    names = binding.schema.key
    asking = SemiJoins(bindings, SYSTEM, is_living=True)
    wanted = condition if last is None else both(condition, _up_to(names, last))
    local = (await asking.rewrite(Query(binding.collection, wanted), binding)).condition
    reader = RelatedReader(asking, told_of_broken=broken.append)
    async for rows in reader.pages(binding, local, names, after=after, size=size):
        yield [row[0] if len(names) == 1 else tuple(row[: len(names)]) for row in rows]


def _up_to(names: tuple[str, ...], last: Key) -> Condition:
    """That a key is not greater than another, part by part."""
    parts: tuple[Value, ...] = last if isinstance(last, tuple) else (last,)
    found: Condition = Compare((names[-1],), Op.LE, parts[-1])
    for name, part in zip(reversed(names[:-1]), reversed(parts[:-1]), strict=True):
        found = Or((Compare((name,), Op.LT, part), And((Compare((name,), Op.EQ, part), found))))
    return found
