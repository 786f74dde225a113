"""Functions that a model is given: whether they can be called with what they will be given, seen at the declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from holdall.errors import DeclarationError
from holdall.model.decorators import Check

__all__ = ["checks_of", "demand_callable", "demand_sentence"]

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


def checks_of(body: Any, is_abstract: bool) -> Mapping[str, Check]:
    """The rules over several fields of a class body.

    Raises DeclarationError for one that gives a bool by its annotation, or names what is no field; a mixin may name
    fields of those that derive from it.
    """
    known = [*[field.name for field in body.fields], *body.computed]
    for name, rule in body.checks.items():
        if getattr(rule.function, "__annotations__", {}).get("return") in (bool, "bool"):
            raise DeclarationError(f"{body.name}.{name}: {_GIVES}, not a bool")
        for path in () if is_abstract else rule.fields:
            first = path.replace("[", ".").partition(".")[0]
            if first not in known:
                near = get_close_matches(first, known, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
                raise DeclarationError(f"{body.name}.{name}: a check of {first!r}, which is no field{hint}")
    checks: Mapping[str, Check] = body.checks
    return checks


_GIVES = "a check gives None where its rule holds, and a sentence where it does not"


def demand_sentence(model: str, name: str, given: object) -> None:
    """Raise DeclarationError where a check has given a bool, of which nobody knows whether the rule holds."""
    if isinstance(given, bool):
        raise DeclarationError(f"{model}.{name} gave {given}: {_GIVES}")
