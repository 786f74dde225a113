"""The four things that hand-written code can do to a record, as a store of such code calls them."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from holdall.errors import DeclarationError, Unsupported
from holdall.store.capabilities import CommitClass, Feature

__all__ = ["RecordMethods", "defines_method", "missing_method"]

M = TypeVar("M")
_METHODS = ("get", "add", "update", "remove")


class RecordMethods(Generic[M]):
    """The methods that a DAO may define, and the result where one is missing; ``DAO`` is the class to derive from.

    >>> class Access(RecordMethods[object]):
    ...     async def remove(self, record: object) -> None: ...
    >>> defines_method(Access(), "remove"), defines_method(Access(), "add")
    (True, False)
    """

    model: type[M]
    commit: ClassVar[CommitClass] = CommitClass.ONCE
    features: ClassVar[frozenset[Feature]] = frozenset()
    concurrent_changes: ClassVar[int] = 100
    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin, args = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, RecordMethods) and args and isinstance(args[0], type):
                cls.model = args[0]
        for name in _METHODS:
            method = inspect.getattr_static(cls, name)
            if inspect.isfunction(method) and not inspect.iscoroutinefunction(method):
                raise DeclarationError(f"{cls.__name__}.{name} must be declared with async def")

    async def get(self, *args: Any, **key: Any) -> M | None:
        """The record with this key, its fields given by name; None where there is none."""
        raise missing_method(self, "get")

    async def add(self, record: M, /) -> Any:
        """Create the record, and set its key where the other side makes it."""
        raise missing_method(self, "add")

    async def update(self, record: M, /) -> Any:
        """Write the record's changes; ``record.is_field_modified(name)`` says which they are."""
        raise missing_method(self, "update")

    async def remove(self, record: M, /) -> Any:
        """Remove the record."""
        raise missing_method(self, "remove")


def defines_method(dao: RecordMethods[Any], method: str) -> bool:
    """Whether the DAO defines this method itself. Example: :class:`RecordMethods`."""
    return getattr(type(dao), method) is not getattr(RecordMethods, method)


def missing_method(dao: RecordMethods[Any], method: str, store: str = "dao") -> Unsupported:
    """Make the refusal of a method that the DAO does not define. Example: :class:`DAO`."""
    return Unsupported(store, f"{type(dao).__name__}.{method}", f"define async def {method} there to allow it")
