"""REST views that speak the simple-rest dialect of react-admin, as its package ra-data-simple-rest does."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from holdall.model import Model
from holdall.query import Key
from holdall.web.views.answers import RecordResponse
from holdall.web.views.async_rest import AsyncRestView
from holdall.web.views.routes import delete
from holdall.web.views.sync_rest import RestView

__all__ = ["AsyncReactAdminView", "ReactAdminView"]

M = TypeVar("M", bound=Model)


class AsyncReactAdminView(AsyncRestView[M]):
    """A REST view for react-admin: lists are arrays with ``Content-Range``, by ``sort``, ``range``, ``filter`` of JSON.

    A filter takes the names of our dialect, operators too; a list of values means one of them, null that there is none.
    PUT takes the whole record, or the members of it that change; DELETE shows what it removed. Everything else is as in
    ``AsyncRestView``.

    >>> from holdall import Everyone, Holdall, Policy, field
    >>> from holdall.web.views import include_view
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> class BookView(AsyncReactAdminView[Book]):
    ...     prefix = "/book"
    >>> library = Holdall("library")
    >>> library.add_store("main", "memory:")
    >>> library.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    >>> include_view(library.asgi(), BookView).is_simple_rest
    True
    """

    is_simple_rest: ClassVar[bool] = True

    @delete("/{key}", status_code=200)
    async def delete_endpoint(self, key: Key) -> RecordResponse:
        """Answer ``DELETE /{key}``: the record that was."""
        record = await self.get_one(key)
        await self.handle_delete(key)
        return self.to_response(record)


class ReactAdminView(RestView[M]):
    """The same without async. Example: :class:`AsyncReactAdminView`."""

    is_simple_rest: ClassVar[bool] = True

    @delete("/{key}", status_code=200)
    def delete_endpoint(self, key: Key) -> RecordResponse:
        """Answer ``DELETE /{key}``: the record that was."""
        record = self.get_one(key)
        self.handle_delete(key)
        return self.to_response(record)
