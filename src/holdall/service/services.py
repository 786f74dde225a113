"""Services: business logic and data access, reached by a path within a context."""

from __future__ import annotations

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.acting import acting_in
from holdall.service.base_service import BaseService, homes_of
from holdall.service.command import Dal
from holdall.service.context import Context
from holdall.service.sync_context import SyncContext
from holdall.session import Session, SyncSession

__all__ = ["Service", "SyncService"]


class Service(BaseService):
    """Business logic and data access; its methods are commands of the application that it is added to.

    Public methods can be called by way of a dal, from async code and from code that is not; attributes, names with an
    underscore and ``setup`` cannot. A method that is async runs on the event loop. One that is not runs in a thread,
    where ``session``, ``context`` and ``dal`` are those whose verbs wait: write a :class:`SyncService` of these.
    Services below are attributes, of the class or by ``add_services``.

    >>> class Account(Model):
    ...     id: int = field(pk=True)
    ...     fines: int = 0
    >>> class Fines(Service):
    ...     async def charge(self, account: int, cents: int) -> int:
    ...         found = await self.session.require(Account, account)
    ...         found.fines += cents
    ...         return found.fines
    >>> class Loans(Service):
    ...     fines = Fines()
    ...
    ...     def setup(self, app):
    ...         self.fee = 50
    ...
    ...     async def return_late(self, account: int) -> str:
    ...         fines = await self.dal.loans.fines.charge(account, self.fee)
    ...         return f"{fines} cents, says {self.context.user.id}"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Account, store="main")
    >>> app.add_services(loans=Loans(), archive=Service().add_services(fines=Fines()))
    >>> async def example():
    ...     async with app.dal() as dal:
    ...         dal["loans"].session  # a path, which leads nowhere
    ...     async with app.session() as session:
    ...         session.add(Account(id=1))
    ...     async with app.dal(user=User("ann", unrestricted=True)) as dal:
    ...         await dal["archive.fines.charge"](1, 100)
    ...         return await dal.loans.return_late(1)
    >>> import asyncio
    >>> asyncio.run(example())
    '150 cents, says ann'
    """

    @property
    def context(self) -> Context:
        """Return the context of the call; raises StateError outside of one. Example: :class:`holdall.Service`."""
        found: Context = _facet(self)
        return found

    @property
    def session(self) -> Session:
        """Return the session of the context. Example: :class:`holdall.Service`."""
        return self.context.session

    @property
    def dal(self) -> Dal:
        """Return the services of the context's application. Example: :class:`holdall.Service`."""
        return self.context.dal


class SyncService(BaseService):
    """A service whose methods are not async: they run in threads, and their session's verbs wait.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> class Books(SyncService):
    ...     def put(self, id: int) -> int:
    ...         self.session.add(Book(id=id))
    ...         return self.session.count(Book.where())
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_services(books=Books())
    >>> with app.sync.dal() as dal:
    ...     dal.books.put(1)
    0
    >>> async def example():
    ...     async with app.dal() as dal:
    ...         return await dal.books.put(2)
    >>> import asyncio
    >>> asyncio.run(example())
    1
    >>> app.sync.close()
    """

    @property
    def context(self) -> SyncContext:
        """Return the context of the call; raises StateError outside of one. Example: :class:`holdall.Service`."""
        found: SyncContext = _facet(self)
        return found

    @property
    def session(self) -> SyncSession:
        """Return the session of the context. Example: :class:`SyncService`."""
        return self.context.session

    @property
    def dal(self) -> Dal:
        """Return the services of the context's application. Example: :class:`holdall.Service`."""
        return self.context.dal


def _facet(service: BaseService) -> Value:
    homes = homes_of(service)
    found = acting_in(lambda facet: not homes or facet.core.registry in homes)
    if found is None:
        raise StateError(
            f"{type(service).__name__} is in no context: call it by a dal, or within a context of its application"
        )
    return found
