"""Functions that a model is given: whether they can be called with what they will be given, seen at the declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from holdall.errors import DeclarationError

__all__ = ["demand_callable"]

F = TypeVar("F", bound=Callable[..., Any])


def demand_callable(where: str, function: F, *parameters: str) -> F:
    """The function. Raises DeclarationError, which begins with ``where``, if these parameters cannot be its own.

    A coroutine function is refused, too: a record is made and checked without waiting. Built-in functions that do not
    tell their parameters pass.

    >>> demand_callable("Book.title: a setter", lambda value: value, "self", "value")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: Book.title: a setter is a function of (self, value)
    """
    told = f"{where} is a function of ({', '.join(parameters)})"
    if not callable(function):
        raise DeclarationError(told)
    if inspect.iscoroutinefunction(function):
        raise DeclarationError(f"{told}, and not async")
    try:
        inspect.signature(function).bind(*parameters)
    except TypeError:
        raise DeclarationError(told) from None
    except ValueError:
        pass
    return function
