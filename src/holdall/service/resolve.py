"""From the path of a command to the method that it means."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType

from holdall.errors import UnknownCommand
from holdall.query import Value, did_you_mean
from holdall.service.base_service import OWN_NAMES, BaseService, subservices

__all__ = ["demand_path", "method_of"]


def demand_path(path: Sequence[str]) -> tuple[str, ...]:
    """The steps of a path. Raises UnknownCommand where one of them is no public name.

    A ``dal`` at its beginning is left out; no service is named so.
    """
    steps = tuple(path)
    if steps and steps[0] == "dal":
        steps = steps[1:]
    if not steps:
        raise UnknownCommand("", "a command is the path to a method, such as 'loans.lend'")
    for step in steps:
        if not step.isidentifier() or step.startswith("_"):
            raise UnknownCommand(".".join(map(str, path)), "each step of a path is the public name of something")
    return steps


def method_of(services: Mapping[str, BaseService], path: tuple[str, ...]) -> Callable[..., Value]:
    """The method that a path leads to. Raises UnknownCommand where there is none for callers."""
    command = ".".join(path)
    service = services.get(path[0])
    if service is None:
        raise UnknownCommand(
            command, f"this application has no service {path[0]!r}{did_you_mean(path[0], sorted(services))}"
        )
    for number, step in enumerate(path[1:-1], 1):
        below = None if _is_closed(step) else getattr(service, step, None)
        if not isinstance(below, BaseService):
            known = sorted(name for name, _ in subservices(service))
            raise UnknownCommand(
                command, f"{'.'.join(path[:number])} has no service {step!r}{did_you_mean(step, known)}"
            )
        service = below
    name = path[-1]
    if len(path) == 1 or _is_closed(name) or not _is_method(type(service), name):
        known = [each for each in dir(type(service)) if not _is_closed(each) and _is_method(type(service), each)]
        place = command if len(path) == 1 else ".".join(path[:-1])
        told = "is a service, and a command names a method" if len(path) == 1 else f"has no method {name!r}"
        raise UnknownCommand(command, f"{place} {told}{did_you_mean(name, known)}")
    method: Callable[..., Value] = getattr(service, name)
    return method


def _is_closed(name: str) -> bool:
    return name.startswith("_") or name in OWN_NAMES


def _is_method(service: type, name: str) -> bool:
    """Whether a name stands in the class for something that is called."""
    for each in service.__mro__:
        if name in vars(each):
            found = vars(each)[name]
            if isinstance(found, FunctionType | staticmethod | classmethod | functools.partialmethod):
                return True
            return callable(found) and not isinstance(found, type | BaseService) and hasattr(found, "__get__")
    return False
