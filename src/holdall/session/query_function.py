"""Query functions: queries written by hand, as values that a session runs once and remembers by their arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.session.dao.query_call import INJECTED, QueryCall
from holdall.session.session import Session

__all__ = ["query"]

M = TypeVar("M", bound="Model")
P = ParamSpec("P")


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
    free = full.replace(parameters=[item for name, item in full.parameters.items() if name != INJECTED])

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> QueryCall[Any]:
        bound = free.bind(*args, **kwargs)
        bound.apply_defaults()
        return QueryCall(function, full, dict(bound.arguments))

    return call
