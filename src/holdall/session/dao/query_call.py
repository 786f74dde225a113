"""A query function with its arguments, as a value that a session runs once and remembers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Generic, NoReturn, TypeVar

from holdall.errors import QueryError, StateError
from holdall.model import Model

__all__ = ["INJECTED", "QueryCall"]

M = TypeVar("M", bound="Model")

INJECTED = "session"
"""The parameter that the session gives which runs the call."""


class QueryCall(Generic[M]):
    """A query function with its arguments; ``session.query(call)`` runs it.

    Two are equal if they are of one function and their arguments, defaults among them, are equal and of equal types.

    Example: :func:`holdall.dao.query`.
    """

    __slots__ = ("_arguments", "_function", "_hash", "_key", "_signature")

    def __init__(
        self,
        function: Callable[..., Awaitable[Iterable[M]]],
        signature: inspect.Signature,
        arguments: dict[str, object],
    ) -> None:
        self._function = function
        self._signature = signature
        self._arguments = {name: _kept(value) for name, value in arguments.items()}
        self._key = tuple([(name, self._comparable(name, value)) for name, value in arguments.items()])
        self._hash = hash((function, self._key))

    @property
    def name(self) -> str:
        """The function's name."""
        return getattr(self._function, "__name__", "query")

    async def run(self, session: object) -> list[M]:
        """Call the function in this session and return its records. Raises StateError where that is no list, or
        anything like it.
        """
        given = self._arguments | {INJECTED: session}
        names = [name for name in self._signature.parameters if name in given]
        bound = inspect.BoundArguments(self._signature, {name: given[name] for name in names})
        found: Any = await self._function(*bound.args, **bound.kwargs)
        if not isinstance(found, Iterable) or isinstance(found, Model):
            raise StateError(f"{self.name} gave a {type(found).__name__} where a list of records is expected")
        return list(found)

    def _comparable(self, name: str, value: object) -> Hashable:
        try:
            return _comparable(value)
        except TypeError as error:
            raise QueryError(
                f"{self.name}: the {name} given cannot be distinguished from another of its type, so its result"
                " cannot be remembered; give a hashable value"
            ) from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryCall):
            return NotImplemented
        return self._function is other._function and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __await__(self) -> NoReturn:
        raise StateError(f"{self.name}(...) runs in a session: await session.query({self.name}(...))")

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self._arguments.items())})"


def _kept(value: Any) -> Any:
    """The argument as it is now: containers that can be changed later are copied."""
    if type(value) in (list, tuple, set):
        return type(value)(map(_kept, value))
    return {key: _kept(item) for key, item in value.items()} if type(value) is dict else value


def _comparable(value: Any) -> Hashable:
    """A hashable value that distinguishes this argument from others; raises TypeError where there is none."""
    if type(value) in (list, tuple):
        return type(value), tuple(map(_comparable, value))
    if type(value) in (set, frozenset):
        return type(value), frozenset(map(_comparable, value))
    if type(value) is dict:
        return dict, frozenset((_comparable(key), _comparable(item)) for key, item in value.items())
    hash(value)
    return type(value), value
