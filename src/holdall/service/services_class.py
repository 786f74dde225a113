"""Classes that declare the services of an application, for type checkers and editors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TypeVar, cast, get_type_hints

from holdall.errors import DeclarationError
from holdall.query import Value, did_you_mean
from holdall.service.base_service import BaseService

__all__ = ["demand_services"]

L = TypeVar("L")


def demand_services(declared: type[L], services: Mapping[str, BaseService], dal: object) -> L:
    """The dal, as a class whose annotations are services.

    Raises DeclarationError where the application has another service of that name, or none.
    """
    if not inspect.isclass(declared):
        raise DeclarationError(
            f"services are declared by a class, as class Library: loans: Loans, not by {type(declared).__name__}"
        )
    hints = _annotations(declared)
    if not hints:
        raise DeclarationError(f"{declared.__name__} declares no services: write them as loans: Loans")
    for name, kind in hints.items():
        found = services.get(name)
        if found is None:
            raise DeclarationError(
                f"{declared.__name__} declares the service {name!r}, which this application does not have"
                f"{did_you_mean(name, sorted(services))}"
            )
        if inspect.isclass(kind) and not isinstance(found, kind):
            raise DeclarationError(
                f"{declared.__name__} declares {name!r} as {kind.__name__}, and it is {type(found).__name__}"
            )
    return cast(L, dal)


def _annotations(declared: type) -> dict[str, Value]:
    try:
        return get_type_hints(declared)
    except NameError:  # of classes within functions, which cannot be found by their names
        return {name: None for each in declared.__mro__ for name in inspect.get_annotations(each)}
