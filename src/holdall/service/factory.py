"""From what a program declares as a resource or as middleware to the generators that stand around something."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import cast

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.service.steps import Steps

__all__ = ["Factory", "factory_of"]


class Factory(msgspec.Struct, frozen=True):
    """Makes the generator that stands around something; ``is_async`` if it runs on the loop.

    ``given`` is what the program declared.
    """

    make: Callable[[Value], Steps]
    is_async: bool
    given: object


def factory_of(what: str, given: object) -> Factory:
    """The factory of what was declared: an (async) generator function, or a class.

    A class has an (async) generator function as its ``__call__``, or is an (async) context manager and is constructed
    with the context. Raises DeclarationError for what is neither.
    """
    function = _generator_function(given)
    if function is not None:
        return Factory(function, inspect.isasyncgenfunction(function), given)
    if isinstance(given, type):
        if hasattr(given, "__aenter__") and hasattr(given, "__aexit__"):
            return Factory(_within_async(given), True, given)
        if hasattr(given, "__enter__") and hasattr(given, "__exit__"):
            return Factory(_within(given), False, given)
    raise DeclarationError(_no_factory(what, given))


def _generator_function(given: object) -> Callable[[Value], Steps] | None:
    if isinstance(given, type):
        return given().__call__ if _is_generator(_in_class(given, "__call__")) else None
    if _is_generator(given):
        return cast("Callable[[Value], Steps]", given)
    wrapped = getattr(given, "__wrapped__", None)  # of contextmanager and asynccontextmanager
    if _is_generator(wrapped):
        return cast("Callable[[Value], Steps]", wrapped)
    return given.__call__ if callable(given) and _is_generator(_in_class(type(given), "__call__")) else None


def _in_class(kind: type, name: str) -> object:
    return next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), None)


def _is_generator(given: object) -> bool:
    return inspect.isgeneratorfunction(given) or inspect.isasyncgenfunction(given)


def _within_async(made: Callable[[Value], AbstractAsyncContextManager[Value]]) -> Callable[[Value], Steps]:
    async def steps(context: Value) -> AsyncGenerator[Value]:
        async with _constructed(made, context) as value:
            yield value

    return cast("Callable[[Value], Steps]", steps)


def _within(made: Callable[[Value], AbstractContextManager[Value]]) -> Callable[[Value], Steps]:
    def steps(context: Value) -> Generator[Value, None, None]:
        with _constructed(made, context) as value:
            yield value

    return steps


def _constructed(made: Callable[..., Value], context: Value) -> Value:
    takes = inspect.signature(made).parameters
    return made(context) if takes else made()


def _no_factory(what: str, given: object) -> str:
    name = getattr(given, "__qualname__", None) or type(given).__name__
    if inspect.isfunction(given) or inspect.ismethod(given):
        return f"{what} is a generator function, and {name} has no yield"
    if isinstance(given, type):
        return (
            f"{what} is given by a class with __call__ as a generator function, or with __enter__ and __exit__, or"
            f" __aenter__ and __aexit__, and {name} has neither"
        )
    return f"{what} is given by an (async) generator function or a class, not by {type(given).__name__}"
