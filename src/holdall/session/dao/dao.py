"""DAOs: classes that users write, one for each model, with the four things that can be done to a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from holdall.errors import StateError
from holdall.store import RecordMethods, acting_session

if TYPE_CHECKING:
    from holdall.session.session import Session

__all__ = ["DAO"]

M = TypeVar("M")


class DAO(RecordMethods[M]):
    """Hand-written access to the records of one model: ``class EmployeeDAO(DAO[Employee])``.

    Define, with ``async``, what the other side can do; what is not defined is refused, by name, when it is first
    needed. Within these methods ``self.session`` is the session they act for, and what they write to records is what
    the other side says: it makes no record changed, and frozen fields take it.

    ``model`` need not be given where it follows from ``DAO[…]``. ``commit`` is ``CommitClass.IDEMP`` where each call
    may be sent twice and counts once. ``features`` are those that the other side keeps by itself, such as
    ``Feature.UNIQUE`` and ``Feature.VERSIONS``. ``concurrent_changes`` says how many calls may be under way at once.
    ``refusals`` are the exceptions that say for certain that nothing was written, beside a StoreError (a Conflict, for
    example) that a method raises itself. After any other error it counts as unknown whether the call took effect: the
    call may have been made, and only its answer not understood.

    >>> from holdall import Holdall, Model, field
    >>> class Employee(Model):
    ...     id: int = field(pk=True, generated=True)
    ...     name: str
    >>> class EmployeeDAO(DAO[Employee]):
    ...     async def get(self, *, id: int) -> Employee | None:
    ...         return Employee(id=id, name="Ann") if id == 1 else None
    >>> async def example() -> str:
    ...     app = Holdall("hr")
    ...     app.add_dao(EmployeeDAO())
    ...     async with app.session() as session:
    ...         return (await session.require(Employee, id=1)).name
    >>> import asyncio
    >>> asyncio.run(example())
    'Ann'
    """

    @property
    def session(self) -> Session:
        """The session this call acts for; raises StateError outside of one."""
        session = acting_session()
        if session is None:
            raise StateError(
                f"{type(self).__name__}.session is there only while a session calls the DAO, or in a @query function"
            )
        return cast("Session", session)
