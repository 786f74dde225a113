"""REST views with async methods: three tiers for each verb, and the write bracket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from holdall.errors import CorruptRecord, NotFound
from holdall.model import Model
from holdall.query import Key, Query, Value
from holdall.session import Estimate, Session
from holdall.web.formats import Format
from holdall.web.listing import Listing
from holdall.web.views.answers import Action, Input, ListingResult, RecordResponse, ResponseShape
from holdall.web.views.async_bulk import AsyncBulk
from holdall.web.views.bracket import UNGIVEN, WriteAction
from holdall.web.views.guards import demand_makable, expect_as_asked, replacing
from holdall.web.views.rest import BaseRestView
from holdall.web.views.routes import delete, get, patch, post, put

__all__ = ["AsyncRestView"]

M = TypeVar("M", bound=Model)


class AsyncRestView(AsyncBulk, BaseRestView[M]):
    """The REST interface of a model, to be changed where it should be another; ``RestView`` is the same without async.

    Each verb has three tiers. ``<verb>_endpoint`` is the route. ``handle_<verb>`` asks ``authorize`` and brackets a
    write: change, ``before_commit``, commit, ``after_commit``. ``<verb>`` finds or changes records, knows nothing of
    users, and commits nothing. Policies of the collection hold whatever a view does.

    >>> from holdall.web.views import Listing, ListingResult, include_view
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     status: str = "draft"
    >>> class BookView(AsyncRestView[Book]):
    ...     prefix = "/books"
    ...
    ...     def build_query(self) -> Query[Book]:
    ...         return super().build_query().where(Book.status != "hidden")
    ...
    ...     async def get_many(self, query_params: Listing) -> ListingResult[Book]:
    ...         return await super().get_many(query_params)
    ...
    ...     @post("/{key}/publish", status_code=200)
    ...     async def publish(self, key: str) -> object:
    ...         book = await self.handle_get_one(self.key_of(key))
    ...         async with self.write_action("publish", obj=book):
    ...             book.status = "published"
    ...         return self.to_response(book)
    >>> from holdall import Everyone, Holdall, Policy
    >>> library = Holdall("library")
    >>> library.add_store("main", "memory:")
    >>> library.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    >>> service = library.asgi()
    >>> include_view(service, BookView).__name__
    'BookView'
    """

    session: Session

    # --- routes -------------------------------------------------------------------------------------------------------

    @get("")
    async def get_many_endpoint(self, query_params: Listing) -> RecordResponse:
        """Answer ``GET /``: a page of records."""
        return self.to_response(await self.handle_get_many(query_params), ResponseShape.LISTING)

    @get("/{key}")
    async def get_one_endpoint(self, key: Key) -> RecordResponse:
        """Answer ``GET /{key}``: one record."""
        return self.to_response(await self.handle_get_one(key))

    @post("")
    async def create_endpoint(self, data: Input) -> RecordResponse:
        """Answer ``POST /``: a new record, with its address."""
        record = await self.handle_create(data)
        return self.placed(self.to_response(record), record)

    @put("/{key}")
    async def put_endpoint(self, key: Key, data: Input) -> RecordResponse:
        """Answer ``PUT /{key}``: the record as it is now, with 201 if it was not there before."""
        record, is_new = await self.handle_put(key, data)
        return self.replaced(record, is_new=is_new)

    @patch("/{key}")
    async def update_endpoint(self, key: Key, data: Input) -> RecordResponse:
        """Answer ``PATCH /{key}``: the record as it is now."""
        return self.to_response(await self.handle_update(key, data))

    @delete("/{key}")
    async def delete_endpoint(self, key: Key) -> RecordResponse:
        """Answer ``DELETE /{key}``: nothing."""
        await self.handle_delete(key)
        return self.to_response(None, ResponseShape.EMPTY)

    # --- handlers: authorized, and committed --------------------------------------------------------------------------

    async def handle_get_many(self, query_params: Listing) -> ListingResult[M]:
        """Authorize, and return the page that a request asks for."""
        await self.authorize(Action.GET_MANY)
        return await self.get_many(query_params)

    async def handle_get_one(self, key: Key) -> M:
        """Return the record with a key once its reading is authorized; raises NotFound."""
        record = await self.get_one(key)
        await self.authorize(Action.GET_ONE, obj=record)
        return record

    async def handle_create(self, data: Input) -> M:
        """Make a record, and commit it."""
        async with self.write_action(Action.CREATE, data=data) as write:
            write.obj = await self.create(data)
        return write.obj  # type: ignore[no-any-return]

    async def handle_update(self, key: Key, data: Input) -> M:
        """Change the record with a key, and commit it; raises NotFound."""
        record = await self.get_one(key)
        async with self.write_action(Action.UPDATE, obj=record, data=data) as write:
            write.obj = await self.update(record, data)
        return write.obj  # type: ignore[no-any-return]

    async def handle_put(self, key: Key, data: Input) -> tuple[M, bool]:
        """Replace the record with a key, or make it, and commit that; with whether it is new.

        Authorized as an update, or as a creation. Raises NotFound where the key is one that the store would make.
        """
        try:
            record = await self.get_one(key)
        except NotFound:
            demand_makable(self)
            async with self.write_action(Action.CREATE, data=data) as write:
                write.obj = await self.put(None, data)
            return write.obj, True
        await replacing(self, record)
        async with self.write_action(Action.UPDATE, obj=record, data=data) as write:
            write.obj = await self.put(record, data)
        return write.obj, False

    async def handle_delete(self, key: Key) -> None:
        """Remove the record with a key, and commit that; raises NotFound."""
        record = await self.get_one(key)
        async with self.write_action(Action.DELETE, obj=record):
            await self.delete(record)

    @asynccontextmanager
    async def write_action(
        self, action: str, *, obj: Value = UNGIVEN, data: Input = None
    ) -> AsyncIterator[WriteAction]:
        """Authorize an action, let the block change records, and commit; ``before_commit`` and ``after_commit`` run.

        With ``obj`` the block changes that record; without it the block sets ``obj`` of what it is given; None stands
        for a write of no single record. Actions within others, or within ``one_commit``, commit with the outermost. An
        exception undoes everything. Raises StateError where no object was set.
        """
        async with self.one_commit():
            await expect_as_asked(self, obj)
            await self.authorize(action, obj=None if obj is UNGIVEN else obj, data=data)
            write = WriteAction(action, obj, data)
            yield write
            await self.before_commit(action, write.new, write.old)
            self.writes.waiting.append(write)

    @asynccontextmanager
    async def one_commit(self) -> AsyncIterator[None]:
        """Commit several write actions together; their ``after_commit`` hooks run in order when that is done."""
        writes = self.writes
        writes.depth += 1
        try:
            yield
            if writes.depth == 1:
                await writes.commit(self)
        except BaseException:
            self.session.rollback()
            writes.waiting.clear()
            raise
        finally:
            writes.depth -= 1
        if not writes.depth:
            done, writes.waiting = writes.waiting, []
            for write in done:
                try:
                    await self.after_commit(write.action, write.new, write.old)
                except Exception as error:
                    writes.note_failed_hook(type(self).__name__, write.action, error)

    # --- verbs: not authorized, not committed -------------------------------------------------------------------------

    async def get_many(self, query_params: Listing) -> ListingResult[M]:
        """Return the page that a request asks for, of what ``build_query`` means."""
        query = self.apply_query_params(self.build_query(), query_params)
        if query_params.format is not Format.JSON:  # a file, which is read while it is sent
            return ListingResult([], None, msgspec.structs.replace(query_params, query=query))
        try:
            records, broken = await self.session.query(query), []
        except CorruptRecord:
            readable = await self.session.readable(query)
            records, broken = readable.records, readable.broken
        total: int | Estimate | None = None
        if query_params.is_counted:
            total = await (self.estimate(query) if query_params.is_estimated else self.count(query))
        return ListingResult(records, total, query_params, broken)

    async def count(self, query: Query[M]) -> int:
        """Return how many records a query means, whatever its page."""
        return await self.session.count(msgspec.structs.replace(query, max_rows=None, skip=0, position=None))

    async def estimate(self, query: Query[M]) -> Estimate:
        """Return about how many records a query means, whatever its page."""
        return await self.session.estimate(query)

    async def get_one(self, key: Key) -> M:
        """Return the record with a key, of those that ``build_query`` means; raises NotFound."""
        found = await self.session.query(self.serving.meets(self.build_query(), key))
        if not found:
            raise NotFound(self.serving.binding.collection, key)
        record: M = found[0]
        return record

    async def create(self, data: Input) -> M:
        """Make a record of what was sent."""
        return await self.save_object(await self.make_new_object(data))

    async def update(self, record: M, data: Input) -> M:
        """Change a record by what was sent."""
        return await self.save_object(await self.update_object(record, data))

    async def put(self, record: M | None, data: Input) -> M:
        """Give a record all that was sent, and defaults for the rest; None stands for one that is to be made."""
        return await (self.create(data) if record is None else self.update(record, data))

    async def delete(self, record: M) -> None:
        """Remove a record; override it to mark the record as removed instead."""
        await self.delete_object(record)

    async def make_new_object(self, data: Input) -> M:
        """Construct a record of what was sent and add it to the session. Raises ValidationError."""
        return self.serving.make(self.acting, self.values_of(data, is_new=True))  # type: ignore[no-any-return]

    async def update_object(self, record: M, data: Input) -> M:
        """Give a record the values that were sent. Raises ValidationError."""
        self.serving.change(
            self.acting, record, data, self.values_of(data, is_new=False), is_whole=self.writes.is_whole
        )
        return record

    async def save_object(self, record: M) -> M:
        """Return the record as it will be committed: nothing is sent before that."""
        return record

    async def delete_object(self, record: M) -> None:
        """Mark a record for removal."""
        self.session.remove(record)

    # --- hooks --------------------------------------------------------------------------------------------------------

    async def authorize(self, action: str, obj: M | None = None, data: Input = None) -> None:
        """Refuse what this user may not do, by raising Forbidden or NotFound; everything is allowed unless overridden.

        The policy of the collection is asked as well.
        """

    async def before_commit(self, action: str, new: M | None, old: dict[str, Value] | None = None) -> None:
        """Do what is to be committed with the write. ``old`` has the values before it, None of a new record; ``new`` is
        None of a removed one.
        """

    async def after_commit(self, action: str, new: M | None, old: dict[str, Value] | None = None) -> None:
        """Do what is to follow the commit. A failure is logged and told in a header; the write stays."""
