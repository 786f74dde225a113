"""Sort keys: by which paths, in which direction, and where missing values go."""

from __future__ import annotations

from typing import Literal

import msgspec

from holdall.query.condition import NOBODY, Owner, Path

__all__ = ["SortKey"]


class SortKey(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """One key of a sort.

    Text sorts by code point, False before True, UUIDs by their bytes. A missing value is the smallest unless ``nulls``
    says otherwise: first when ascending, last when descending. Rows without the relation on the path stay, as missing.
    JSON, Many and references to keys of several fields have no order. Rows equal in all sort keys come in the order of
    their keys, ascending, and so do rows of a query that takes a part of the rows without sorting.

    >>> Query("book").sort(SortKey(("pages",), descending=True)).sort_keys[0].descending
    True
    """

    path: Path
    descending: bool = False
    nulls: Literal["first", "last"] | None = None
    of: Owner = NOBODY

    @property
    def nulls_first(self) -> bool:
        """Where missing values really go."""
        return self.nulls == "first" if self.nulls else not self.descending
