"""Lists in requests to a view with async methods: each item by the handler of its verb."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from holdall.query import Key, Value
from holdall.web.views.answers import Action, Input, RecordResponse, ResponseShape
from holdall.web.views.bracket import Writes
from holdall.web.views.items import BulkItem, BulkItems
from holdall.web.views.routes import delete, patch

__all__ = ["AsyncBulk"]


class AsyncBulk:
    """The part of :class:`AsyncRestView` for lists, and for all records that a filter means."""

    writes: Writes

    if TYPE_CHECKING:

        async def handle_create(self, data: Input) -> Value: ...
        async def handle_update(self, key: Key, data: Input) -> Value: ...
        async def handle_delete(self, key: Key) -> None: ...
        async def get_one(self, key: Key) -> Value: ...
        def one_commit(self) -> AbstractAsyncContextManager[None]: ...
        def to_response(self, found: object, shape: ResponseShape = ...) -> RecordResponse: ...

    async def create_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``POST /`` with a list: several new records."""
        return self.to_response(await self.handle_each(items), ResponseShape.BULK)

    @patch("")
    async def update_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``PATCH /``: the records of a list of keys and patches, or all that a filter means, changed."""
        return self.to_response(await self.handle_each(items), ResponseShape.BULK)

    @delete("", status_code=200)
    async def delete_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``DELETE /``: the records of a list of keys, or all that a filter means, removed."""
        return self.to_response(await self.handle_each(items), ResponseShape.BULK)

    async def handle_each(self, items: BulkItems) -> BulkItems:
        """Write each item by ``handle_create``, ``handle_update`` or ``handle_delete``: in one commit, or by itself."""
        if items.is_by_item:
            for item in items:
                with items.noting(item):
                    await self._handle(item)
            return items
        self.writes.items = items
        async with self.one_commit():
            for item in items:
                with items.noting(item):
                    await self._handle(item)
            items.demand_all()
        return items

    async def _handle(self, item: BulkItem) -> None:
        self.writes.etag = item.etag
        if item.problem is not None:
            raise item.problem
        if item.action is Action.CREATE:
            item.record = await self.handle_create(item.data)
        elif item.action is Action.UPDATE:
            item.record = await self.handle_update(item.key, item.data)
        else:
            item.record = await self.get_one(item.key)
            await self.handle_delete(item.key)
