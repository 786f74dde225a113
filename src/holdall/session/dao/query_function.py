"""Query functions: queries written by hand, as values that a session runs once and remembers by their arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, overload

from holdall.errors import DeclarationError, QueryError, StateError
from holdall.model import Model

if TYPE_CHECKING:
    from holdall.session.session import Session

__all__ = ["QueryCall", "query"]

M = TypeVar("M", bound="Model")
P = ParamSpec("P")
_INJECTED = "session"


class QueryCall(Generic[M]):
    """A query function with its arguments; ``session.query(call)`` runs it.

    Two are equal if they are of one function and their arguments, defaults among them, are equal and of equal types.

    Example: :func:`holdall.dao.query`.
    """

    __slots__ = ("_arguments", "_function", "_hash", "_key", "_signature")

    def __init__(
        self, function: Callable[..., Awaitable[Iterable[M]]], signature: inspect.Signature, arguments: dict[str, Any]
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

    async def run(self, session: Session) -> list[M]:
        """Call the function in this session and return its records. Raises StateError where that is no list, or
        anything like it.
        """
        given = self._arguments | {_INJECTED: session}
        names = [name for name in self._signature.parameters if name in given]
        bound = inspect.BoundArguments(self._signature, {name: given[name] for name in names})
        found: Any = await self._function(*bound.args, **bound.kwargs)
        if not isinstance(found, Iterable) or isinstance(found, Model):
            raise StateError(f"{self.name} gave a {type(found).__name__} where a list of records is expected")
        return list(found)

    def _comparable(self, name: str, value: Any) -> Any:
        try:
            return _comparable(value)
        except TypeError as error:
            raise QueryError(
                f"{self.name}: the {name} given cannot be told from another of its type, so its result cannot be"
                " remembered; give a hashable value"
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


@overload
def query(function: Callable[Concatenate[Session, P], Awaitable[Iterable[M]]], /) -> Callable[P, QueryCall[M]]: ...
@overload
def query(function: Callable[..., Awaitable[Iterable[M]]], /) -> Callable[..., QueryCall[M]]: ...
def query(function: Callable[..., Awaitable[Iterable[Any]]], /) -> Callable[..., QueryCall[Any]]:
    """Make a coroutine function a query: calling it gives a value, and ``await session.query(value)`` its records.

    Its parameter ``session`` is given by the session that runs it. Where that is the first one, checkers know the
    others, too. Raises DeclarationError for what is not declared with ``async def``.

    >>> from holdall import Session
    >>> from holdall.dao import query
    >>> @query
    ... async def by_company(session: Session, company: int, active: bool = True) -> list[Employee]:
    ...     return await session.get_dao(Employee).search(company=company, active=active)
    >>> by_company(3)
    by_company(company=3, active=True)
    >>> by_company(3) == by_company(company=3, active=True)
    True
    """
    if not inspect.iscoroutinefunction(function):
        raise DeclarationError(f"{getattr(function, '__name__', function)!r} must be declared with async def")
    full = inspect.signature(function)
    free = full.replace(parameters=[item for name, item in full.parameters.items() if name != _INJECTED])

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> QueryCall[Any]:
        bound = free.bind(*args, **kwargs)
        bound.apply_defaults()
        return QueryCall(function, full, dict(bound.arguments))

    return call


def _kept(value: Any) -> Any:
    """The argument as it is now: containers that can be changed later are copied."""
    if type(value) in (list, tuple, set):
        return type(value)(map(_kept, value))
    return {key: _kept(item) for key, item in value.items()} if type(value) is dict else value


def _comparable(value: Any) -> Any:
    """A hashable value that tells this argument from others; raises TypeError where there is none."""
    if type(value) in (list, tuple):
        return type(value), tuple(map(_comparable, value))
    if type(value) in (set, frozenset):
        return type(value), frozenset(map(_comparable, value))
    if type(value) is dict:
        return dict, frozenset((_comparable(key), _comparable(item)) for key, item in value.items())
    hash(value)
    return type(value), value
