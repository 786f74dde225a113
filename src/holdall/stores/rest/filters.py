"""How an API is asked for some records, in some order: operators and sorts as query parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from holdall.query import Condition, Op, SortKey

__all__ = ["Filters", "Sorting"]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """How conditions are spelled as query parameters.

    ``operators`` gives each operator the API knows the parameter's name, ``{field}`` standing for the field's name in
    JSON: ``{Op.EQ: "{field}", Op.GT: "{field}__gt"}``. All parameters of a call must hold at once. ``fields`` bounds
    them to some fields, or to some operators of each. ``spell`` writes a whole condition, Or and Not included, and
    gives None for one it cannot write; ``spelled`` are the operators it knows.

    Lists of at most ``most_values`` are joined by ``separator``, with ``escape`` before one inside a value, or come as
    a parameter each where the separator is empty. The API may give more records than were asked for, never fewer;
    ``is_exact`` says that it gives no more, so that it may skip and count for us.

    >>> from holdall.query import Op
    >>> filters = Filters(operators={Op.EQ: "{field}", Op.GT: "{field}__gt"})
    >>> filters.operators[Op.GT].format(field="pages")
    'pages__gt'
    """

    operators: Mapping[Op, str] = {}
    fields: Mapping[str, frozenset[Op] | None] | None = None
    spell: Callable[[Condition], Mapping[str, str] | None] | None = None
    spelled: frozenset[Op] = frozenset(Op)
    separator: str = ","
    escape: str = ""
    most_values: int = 100
    is_exact: bool = True


class Sorting(msgspec.Struct, frozen=True, kw_only=True):
    """How a sort is spelled: ``?sort=name,-born``.

    ``fields`` are those the API can sort by, by text code point by code point; None means all. ``most_keys`` may be
    given at once. ``nulls`` is where missing values come; without it, fields that may be missing are not sorted by.
    ``spell`` writes a whole sort, and gives None for one it cannot write.

    >>> Sorting(parameter="order_by", fields=frozenset({"name"})).parameter
    'order_by'
    """

    parameter: str = "sort"
    ascending: str = "{field}"
    descending: str = "-{field}"
    separator: str = ","
    fields: frozenset[str] | None = None
    most_keys: int = 100
    nulls: Literal["smallest", "largest", "first", "last"] | None = None
    spell: Callable[[tuple[SortKey, ...]], Mapping[str, str] | None] | None = None
