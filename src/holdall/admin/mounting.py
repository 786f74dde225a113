"""Putting the back office into a service, as ``app.asgi(admin=True)`` asks for it."""

from __future__ import annotations

from holdall.admin.office import Office
from holdall.admin.options import admin_of
from holdall.admin.pages import PAGES
from holdall.errors import DeclarationError
from holdall.web.service import Service

__all__ = ["add_back_office"]


def add_back_office(service: Service, given: object) -> Office:
    """Serve the back office below the path that its options have.

    Raises DeclarationError for what are no options, and where a collection has the same path.

    >>> from holdall import Holdall, Model, field
    >>> from holdall.admin import Admin
    >>> class Book(Model, collection="books"):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> service = app.asgi(admin=Admin(path="/office"))  # it calls this function
    >>> service.back_office.site.title
    'library'
    """
    settings = admin_of(given)
    settings.demand_fits(service.holdall)
    first = settings.path[1:].partition("/")[0]
    if first in {binding.collection for binding in service.holdall.collections()}:
        raise DeclarationError(
            f"the collection {first!r} would answer in place of the back office; give it another path with"
            ' asgi(admin=Admin(path="/office")), or the collection another name with collection=...'
        )
    return Office(service, settings, PAGES)
