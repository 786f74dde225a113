"""Attributes of a view's instance: the dependencies that its class is annotated with, as FastAPI resolves them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from fastapi import BackgroundTasks, Response
from fastapi import params as marks
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import HTTPConnection, Request

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.web.views.view import View

__all__ = ["is_injected", "maker_of", "own_parameters", "request_among"]

_GIVEN_BY_US = ("request", "session", "user", "serving", "writes")
_FROM_REQUEST = (Request, HTTPConnection, Response, BackgroundTasks)
_MARKS = (marks.Depends, marks.Param)


def maker_of(view: type[View]) -> Callable[..., Awaitable[View]]:
    """A dependency that makes an instance of a view for a request, with everything its class is annotated with."""
    injected: dict[str, tuple[Value, Value]] = {"request": (Request, inspect.Parameter.empty), **dict(_injected(view))}
    first: dict[type, str] = {}
    given_as = {name: name for name in injected}
    for name, (annotation, _) in injected.items():
        kind = _part_of_request(annotation)
        if kind is not None:
            given_as[name] = first.setdefault(kind, name)  # the framework gives each to one parameter

    async def make(**values: Any) -> View:  # async, as others are called in a thread
        instance = view()
        for name, parameter in given_as.items():
            setattr(instance, name, values[parameter])
        return instance

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in injected.items()
        if given_as[name] == name
    ]
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return make


def request_among(parameters: Iterable[inspect.Parameter]) -> str | None:
    """The name of the parameter that is given the request; None where there is none."""
    return next((each.name for each in parameters if _part_of_request(each.annotation) is Request), None)


def is_injected(view: type[View]) -> bool:
    """Whether instances of a view get anything that the framework finds for them."""
    return any(True for _ in _injected(view))


def own_parameters(dependant: Dependant) -> set[str]:
    """The names of the query parameters that a route and its dependencies take by themselves."""
    found = {name for field in dependant.query_params for name in _names_of(field)}
    return found.union(*(own_parameters(each) for each in dependant.dependencies))


def _names_of(field: Value) -> Iterator[str]:
    """The name of a parameter, or those of all that a model for parameters has."""
    kind = field.field_info.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, each in kind.model_fields.items():
            yield each.alias or name
    else:
        yield field.alias


def _injected(view: type[View]) -> Iterator[tuple[str, tuple[Value, Value]]]:
    """Give the annotations of a class and its bases that are dependencies; a base's mark stays in a subclass."""
    found: dict[str, tuple[Value, Value]] = {}
    for base in reversed(view.__mro__):
        for name, written in vars(base).get("__annotations__", {}).items():
            if name in _GIVEN_BY_US or base is View:
                continue
            annotation = _resolved(base, name, written)
            default = vars(base).get(name, inspect.Parameter.empty)
            if _is_dependency(annotation, default):
                found[name] = annotation, default
    return iter(found.items())


def _resolved(base: type, name: str, written: object) -> object:
    holder = type("Holder", (), {"__annotations__": {name: written}, "__module__": base.__module__})
    try:
        return get_type_hints(holder, include_extras=True)[name]
    except NameError as error:
        raise DeclarationError(
            f"{base.__name__}.{name}: its annotation names {error.name!r}, which is not known at the top of its module"
        ) from error


def _is_dependency(annotation: object, default: object) -> bool:
    if get_origin(annotation) is ClassVar or annotation is ClassVar:
        return False
    if get_origin(annotation) is Annotated and any(isinstance(item, _MARKS) for item in get_args(annotation)[1:]):
        return True
    return isinstance(default, _MARKS) or (isinstance(annotation, type) and issubclass(annotation, _FROM_REQUEST))


def _part_of_request(annotation: object) -> type | None:
    """Which part of a request or its answer the framework gives to a parameter by its class; None for others."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if not isinstance(annotation, type):
        return None
    return next((kind for kind in _FROM_REQUEST if issubclass(annotation, kind)), None)
