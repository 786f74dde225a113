"""Calls of services' methods, through the method middleware of their application."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping

import msgspec

from holdall.errors import DeclarationError, StateError
from holdall.query import Value
from holdall.service.acting import Facets, act_in_thread, act_on_loop
from holdall.service.base_service import BaseService
from holdall.service.place import ON_LOOP, InThread, Place, drive
from holdall.service.request import Handler, MethodRequest
from holdall.service.resolve import method_of

__all__ = ["Calls", "MethodMiddleware", "method_middleware_of"]


class MethodMiddleware(msgspec.Struct, frozen=True):
    """Code around calls of methods; ``given`` is what the program declared."""

    call: Callable[[MethodRequest, Handler], Value]
    is_async: bool
    given: object


def method_middleware_of(given: object) -> MethodMiddleware:
    """The middleware that a program declares: a function or an object of ``(request, handler)``, or such a class.

    Raises DeclarationError for what cannot be called so.
    """
    found = given() if isinstance(given, type) else given
    if not callable(found):
        raise DeclarationError(
            f"method middleware is a function of (request, handler), or an object that is called so, not"
            f" {type(given).__name__}"
        )
    called = found if inspect.isroutine(found) or hasattr(found, "func") else found.__call__
    try:
        inspect.signature(called).bind(None, None)
    except TypeError:
        raise DeclarationError(
            f"method middleware takes (request, handler), and {getattr(given, '__qualname__', type(given).__name__)}"
            " does not"
        ) from None
    return MethodMiddleware(called, _is_async(called), given)


class Calls(msgspec.Struct, eq=False):
    """Calls methods of services for a context, outermost middleware first."""

    services: Mapping[str, BaseService]
    middleware: list[MethodMiddleware]

    async def call(
        self, facets: Facets, place: Place, path: tuple[str, ...], args: tuple[Value, ...], kwargs: Mapping[str, Value]
    ) -> Value:
        """Return what a method returns. Raises what it raises, and UnknownCommand where there is none."""
        if not self.middleware:
            return await self._invoke(facets, place, path, args, kwargs)
        return await self._pass(facets, place, 0, MethodRequest(None, path, args, kwargs))

    def _pass(
        self, facets: Facets, place: Place, number: int, request: MethodRequest
    ) -> Coroutine[Value, Value, Value]:
        """Hand a call to the middleware with a number, and to the method after the last."""
        if not isinstance(request, MethodRequest):
            raise StateError(f"method middleware hands on a MethodRequest, not {type(request).__name__}")
        if number == len(self.middleware):
            return self._invoke(facets, place, request.path, request.args, request.kwargs)
        middleware = self.middleware[number]
        return (self._async if middleware.is_async else self._sync)(facets, place, number, request)

    async def _async(self, facets: Facets, place: Place, number: int, request: MethodRequest) -> Value:
        def handler(request: MethodRequest) -> Coroutine[Value, Value, Value]:
            return self._pass(facets, ON_LOOP, number + 1, request)

        seen = msgspec.structs.replace(request, context=facets.on_loop)
        call = self.middleware[number].call
        return await place.on_loop(lambda: act_on_loop(facets.on_loop, lambda: call(seen, handler)))

    async def _sync(self, facets: Facets, place: Place, number: int, request: MethodRequest) -> Value:
        def handler(request: MethodRequest) -> Value:
            return drive(self._pass(facets, InThread(facets.wait), number + 1, request))

        seen = msgspec.structs.replace(request, context=facets.in_thread)
        call = self.middleware[number].call
        return await place.in_thread(lambda: act_in_thread(facets.in_thread, lambda: call(seen, handler)))

    async def _invoke(
        self, facets: Facets, place: Place, path: tuple[str, ...], args: tuple[Value, ...], kwargs: Mapping[str, Value]
    ) -> Value:
        method = method_of(self.services, path)
        if _is_async(method):
            return await place.on_loop(lambda: act_on_loop(facets.on_loop, lambda: method(*args, **kwargs)))
        found = await place.in_thread(lambda: act_in_thread(facets.in_thread, lambda: method(*args, **kwargs)))
        if inspect.isawaitable(found):
            waiting = found
            return await place.on_loop(lambda: act_on_loop(facets.on_loop, lambda: waiting))
        return found


def _is_async(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(function)
