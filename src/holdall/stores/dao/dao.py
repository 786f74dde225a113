"""DAOs: classes that users write, one for each model, with the four things that can be done to a record."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from holdall.errors import DeclarationError, StateError, Unsupported
from holdall.store import CommitClass, Feature, acting_session

if TYPE_CHECKING:
    from holdall.session import Session

__all__ = ["DAO", "has", "missing"]

M = TypeVar("M")
_METHODS = ("get", "add", "update", "remove")


class DAO(Generic[M]):
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

    model: type[M]
    commit: ClassVar[CommitClass] = CommitClass.ONCE
    features: ClassVar[frozenset[Feature]] = frozenset()
    concurrent_changes: ClassVar[int] = 100
    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin, args = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, DAO) and args and isinstance(args[0], type):
                cls.model = args[0]
        for name in _METHODS:
            method = inspect.getattr_static(cls, name)
            if inspect.isfunction(method) and not inspect.iscoroutinefunction(method):
                raise DeclarationError(f"{cls.__name__}.{name} must be declared with async def")

    @property
    def session(self) -> Session:
        """The session this call acts for; raises StateError outside of one."""
        session = acting_session()
        if session is None:
            raise StateError(
                f"{type(self).__name__}.session is there only while a session calls the DAO, or in a @query function"
            )
        return cast("Session", session)

    async def get(self, *args: Any, **key: Any) -> M | None:
        """The record with this key, its fields given by name; None where there is none."""
        raise missing(self, "get")

    async def add(self, record: M, /) -> Any:
        """Create the record, and set its key where the other side makes it."""
        raise missing(self, "add")

    async def update(self, record: M, /) -> Any:
        """Write the record's changes; ``record.is_field_modified(name)`` tells which they are."""
        raise missing(self, "update")

    async def remove(self, record: M, /) -> Any:
        """Remove the record."""
        raise missing(self, "remove")


def has(dao: DAO[Any], method: str) -> bool:
    """Whether the DAO defines this method itself."""
    return getattr(type(dao), method) is not getattr(DAO, method)


def missing(dao: DAO[Any], method: str, store: str = "dao") -> Unsupported:
    """The refusal of a method that the DAO does not define."""
    return Unsupported(store, f"{type(dao).__name__}.{method}", f"define async def {method} there to allow it")
