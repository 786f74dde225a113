"""Lists that are drawn: filters, order and pages in any combination, the same for every store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from urllib.parse import quote

from holdall.query import Op
from holdall.store import Feature
from holdall.testing.web_conformance.step import Scenario, Step

__all__ = ["drawn_lists"]

_OPS = {
    "": Op.EQ, "__ne": Op.NE, "__gt": Op.GT, "__gte": Op.GE, "__lt": Op.LT, "__lte": Op.LE, "__in": Op.IN,
    "__isnull": Op.IS_NULL, "__contains": Op.CONTAINS, "__icontains": Op.ICONTAINS, "__startswith": Op.STARTSWITH,
    "__endswith": Op.ENDSWITH,
}  # fmt: skip
_TEXTUAL = (Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH)
_VALUES = {
    "id": ("1", "4", "6", "-1"),
    "title": ("Red moon", "red", "moon", "é", "%", "", "Z"),
    "kind": ("oil", "print", "o"),
    "size": ("10", "30", "55", "-5"),
    "price": ("12.5", "0.1", "99.00", "-1"),
    "weight": ("1.5", "-2.25", "0"),
    "made": ("2020-01-02", "1999-12-31", "2030-01-01"),
    "shown": ("true", "false"),
    "maker": ("1", "3", "77"),
}
_SORTS = ("id", "-id", "title,id", "-size,id", "price,-id", "weight,id", "-made,id", "kind,-title,id", "shown,id")


def drawn_lists(number: int, seed: int) -> Iterator[Scenario]:
    """Draw a number of lists, each with the abilities that it needs.

    >>> [scenario.steps[0].status for scenario in drawn_lists(2, 7)]
    [200, 200]
    """
    chance = random.Random(seed)
    for place in range(number):
        filters = list[str]()
        needs: set[Feature | Op] = {Feature.FILTER, Feature.SORT, Feature.OFFSET}
        for _ in range(chance.randint(0, 3)):
            text, op = _filter(chance)
            filters.append(text)
            needs.add(op)
        if len(filters) > 1 and "," not in "".join(filters) and chance.random() < 0.5:
            filters = [f"{chance.choice(('or', 'and', 'not'))}=({','.join(filters)})"]
        page = f"page_size={chance.randint(1, 7)}&page={chance.randint(1, 2)}"
        query = "&".join([*filters, f"sort={chance.choice(_SORTS)}", page])
        yield Scenario(f"drawn {place}", (Step("GET", f"/works?{query}", 200),), tuple(needs))


def _filter(chance: random.Random) -> tuple[str, Op]:
    name = chance.choice(list(_VALUES))
    suffix, op = chance.choice(list(_OPS.items()))
    is_text, is_compared = name in ("title", "kind"), name not in ("shown", "maker")
    if (op in _TEXTUAL and not is_text) or (op not in (Op.EQ, Op.NE, Op.IN, Op.IS_NULL) and not is_compared):
        suffix, op = "", Op.EQ
    values = _VALUES[name]
    if op is Op.IS_NULL:
        value = chance.choice(("true", "false"))
    elif op is Op.IN:
        value = quote(chance.choice(values)) if name == "title" else ",".join(chance.sample(values, 2))
    else:
        value = quote(chance.choice(values))
    return f"{name}{suffix}={value}", op
