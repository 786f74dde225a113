"""The records that an action is done on: none, one, each of several, or all of them together."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["All", "Each", "Nothing", "On", "One"]


class On(StrEnum):
    """How many records an action is done on. Example: :class:`Action`.

    NOTHING: on the collection as such. ONE: on one record. EACH: on one record, or on each of several, one after the
    other. ALL: once on several records together.
    """

    NOTHING = "nothing"
    ONE = "one"
    EACH = "each"
    ALL = "all"


Nothing = On.NOTHING
"""An action on no record: ``run(self, context)``."""
One = On.ONE
"""An action on one record: ``run(self, context, book)``."""
Each = On.EACH
"""An action on one record or on each of several: ``run(self, context, book)``."""
All = On.ALL
"""An action on several records together: ``run(self, context, books)``, with a list of them."""
