"""Lists in requests to a view without async: each item by the handler of its verb."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from holdall.query import Key, Value
from holdall.web.views.answers import Action, Input, RecordResponse, ResponseShape
from holdall.web.views.bracket import Writes
from holdall.web.views.items import BulkItem, BulkItems
from holdall.web.views.routes import delete, patch

__all__ = ["SyncBulk"]


class SyncBulk:
    """The part of :class:`RestView` for lists, and for all records that a filter means."""

    writes: Writes

    if TYPE_CHECKING:

        def handle_create(self, data: Input) -> Value: ...
        def handle_update(self, key: Key, data: Input) -> Value: ...
        def handle_delete(self, key: Key) -> None: ...
        def get_one(self, key: Key) -> Value: ...
        def one_commit(self) -> AbstractContextManager[None]: ...
        def to_response(self, found: object, shape: ResponseShape = ...) -> RecordResponse: ...

    def create_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``POST /`` with a list: several new records."""
        return self.to_response(self.handle_each(items), ResponseShape.BULK)

    @patch("")
    def update_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``PATCH /``: the records of a list of keys and patches, or all that a filter means, changed."""
        return self.to_response(self.handle_each(items), ResponseShape.BULK)

    @delete("", status_code=200)
    def delete_many_endpoint(self, items: BulkItems) -> RecordResponse:
        """Answer ``DELETE /``: the records of a list of keys, or all that a filter means, removed."""
        return self.to_response(self.handle_each(items), ResponseShape.BULK)

    def handle_each(self, items: BulkItems) -> BulkItems:
        """Write each item by ``handle_create``, ``handle_update`` or ``handle_delete``: in one commit, or by itself."""
        if items.is_by_item:
            for item in items:
                with items.noting(item):
                    self._handle(item)
            return items
        self.writes.items = items
        with self.one_commit():
            for item in items:
                with items.noting(item):
                    self._handle(item)
            items.demand_all()
        return items

    def _handle(self, item: BulkItem) -> None:
        self.writes.etag = item.etag
        if item.problem is not None:
            raise item.problem
        if item.action is Action.CREATE:
            item.record = self.handle_create(item.data)
        elif item.action is Action.UPDATE:
            item.record = self.handle_update(item.key, item.data)
        else:
            item.record = self.get_one(item.key)
            self.handle_delete(item.key)
