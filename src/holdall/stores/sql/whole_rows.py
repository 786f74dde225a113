"""Rows that are to be written anew as a whole: those of a table with columns that no field has would lose them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from holdall.errors import Unsupported
from holdall.stores.sql.tables import Tables

__all__ = ["WholeRows"]

_OWN = "holdall_"  # columns that Holdall has made beside the fields


class WholeRows:
    """The part of an SQL store that knows whether a collection tells all of its rows."""

    name: str
    tables: Tables
    _learn: Callable[[], Awaitable[None]]

    async def demand_whole(self, collection: str) -> None:
        """Raise Unsupported where the rows of a collection have values that no field has."""
        await self._learn()
        layout = self.tables.layout(collection)
        found = self.tables.found(layout.table)
        known = {column.name for column in layout.table.columns}
        beyond = [
            name
            for name, column in (found.columns if found is not None else {}).items()
            if name not in known and column.made != "computed" and not name.startswith(_OWN)
        ]
        if beyond:
            what = f"changes of the keys of {collection}"
            advice = f"its rows are written anew, and no field has {', '.join(sorted(beyond))}: declare fields for them"
            raise Unsupported(self.name, what, advice)
