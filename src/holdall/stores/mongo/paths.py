"""Values behind references: the referenced records fetched by key, in batches, one path step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdall.query import Key, Path, Value
from holdall.store import Damaged
from holdall.stores.mongo.documents import columns_of, projection_of
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.source import Source

__all__ = ["PathValues"]

_BATCH = 5_000  # keys in one question


class PathValues:
    """Fetches each referenced record's field once, however many rows lead to it."""

    def __init__(self, source: Source, layouts: Layouts) -> None:
        self._source = source
        self._layouts = layouts

    async def through(self, layout: Layout, path: Path, keys: Sequence[Key]) -> list[Value]:
        """Return the values at the rest of the path for each of these keys, which the path's first field holds."""
        target = self._layouts.target(layout.schema.field(path[0]))
        different = list({key: None for key in keys if key is not None and not isinstance(key, Damaged)})
        found: dict[Key, Any] = {}
        for start in range(0, len(different), _BATCH):
            found.update(await self._values(target, path[1:], different[start : start + _BATCH]))
        return [key if key is None or isinstance(key, Damaged) else found.get(key) for key in keys]

    async def _values(self, target: Layout, path: Path, keys: list[Key]) -> dict[Key, Value]:
        wanted = {"_id": {"$in": [target.key.encoded(key) for key in keys]}}
        documents = await self._source.find(target.collection, wanted, projection_of(target, path[:1]))
        *parts, values = columns_of(target, documents, (*target.schema.key, path[0])).values
        if len(path) > 1:
            values = await self.through(target, path, values)
        return dict(zip(parts[0] if len(parts) == 1 else zip(*parts, strict=True), values, strict=True))
