"""The part of an application that is told what belongs to its contexts: resources, services and middleware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar, overload

from holdall.query import Value
from holdall.service import RESERVED_NAMES, BaseService, Registry, active_core
from holdall.session import Bindings, Persistence

__all__ = ["ContextParts"]

F = TypeVar("F")


class ContextParts:
    """Declares resources, services and middleware of an application. Example: :class:`Contexts`."""

    def __init__(self, name: str, bindings: Bindings) -> None:
        self.registry = Registry(name, bindings, self, RESERVED_NAMES)

    @overload
    def resource(self, name: str | None = ..., /) -> Callable[[F], F]: ...
    @overload
    def resource(self, given: F, /) -> F: ...
    def resource(self, name: Value = None, /) -> Value:
        """Declare a resource by ``@app.resource``, or by another name than its own: ``@app.resource("pool")``.

        Raises DeclarationError as ``add_resources`` does. Example: :class:`Contexts`.
        """

        def declare(given: F) -> F:
            named = name if isinstance(name, str) else getattr(given, "__name__", "")
            self.registry.add_resource(named, given)
            return given

        return declare if name is None or isinstance(name, str) else declare(name)

    def add_resources(self, **resources: object) -> None:
        """Declare resources by name: (async) generator functions, or classes. Example: ``docs/services.md``.

        A resource is opened when a context first touches it, and closed when the context ends. Raises DeclarationError
        where a name is taken or one of contexts' own, and for what is neither.
        """
        for name, given in resources.items():
            self.registry.add_resource(name, given)

    def replace_resource(self, name: str, resource: object) -> object:
        """Put another in the place of a resource, for contexts that have not opened it; return the former one.

        Raises DeclarationError where there is none of this name. Example: ``docs/services.md``.
        """
        return self.registry.replace_resource(name, resource)

    def middleware(self, given: F, /) -> F:
        """Declare what stands around all contexts: ``@app.middleware``. Example: :class:`Contexts`."""
        self.registry.add_middleware(given, None)
        return given

    def add_middleware(self, *middleware: object, when: Callable[[Value], bool] | None = None) -> None:
        """Let (async) generator functions or classes stand around contexts, outermost first.

        With ``when``, a function of the context, around those for which it is true. Raises DeclarationError for what is
        no middleware. Example: ``docs/services.md``.
        """
        for given in middleware:
            self.registry.add_middleware(given, when)

    def replace_middleware(self, former: object, middleware: object) -> None:
        """Put another in the place of context middleware; raises DeclarationError where that is not there.

        Example: ``docs/services.md``.
        """
        self.registry.replace_middleware(former, middleware)

    def add_services(self, **services: BaseService) -> None:
        """Add services by name; those that are their attributes stand below them. Example: :class:`holdall.Service`.

        Raises DeclarationError where a name is taken, and for what is no service.
        """
        self.registry.add_services(services)

    def replace_service(self, name: str, service: BaseService) -> BaseService:
        """Put another in the place of a service; return the former one. Raises DeclarationError where there is none.

        Example: ``docs/services.md``.
        """
        return self.registry.replace_service(name, service)

    def add_method_middleware(self, *middleware: object) -> None:
        """Let functions of ``(request, handler)`` stand around calls of services, outermost first.

        Calls between services, by way of a dal, are among them. Raises DeclarationError for what cannot be called so.
        Example: ``docs/services.md``.
        """
        for given in middleware:
            self.registry.add_method_middleware(given)

    def replace_method_middleware(self, former: object, middleware: object) -> None:
        """Put another in the place of method middleware; raises DeclarationError where that is not there.

        Example: ``docs/services.md``.
        """
        self.registry.replace_method_middleware(former, middleware)

    def add_persistence_middleware(self, *middleware: object) -> None:
        """Let async functions of ``(call, handler)`` stand around each call of a store, outermost first.

        A call has its verb, its store, and its query or changes: see :class:`StoreCall`. Sessions that are open stay as
        they are. Raises DeclarationError for what is no async function of two. Example: ``docs/services.md``.
        """
        persistence = self.registry.bindings.persistence or Persistence(self._acting_context)
        for given in middleware:
            persistence.add(given)
        self.registry.bindings.stand_around_stores(persistence)

    def replace_persistence_middleware(self, former: object, middleware: object) -> None:
        """Put another in the place of persistence middleware; raises DeclarationError where that is not there.

        Example: ``docs/services.md``.
        """
        (self.registry.bindings.persistence or Persistence(self._acting_context)).replace(former, middleware)

    def _acting_context(self) -> object:
        core = active_core(self.registry)
        return None if core is None else core.on_loop

    @property
    def services(self) -> Mapping[str, BaseService]:
        """Return the services, by name: the objects themselves, for tests. Example: ``docs/services.md``."""
        return MappingProxyType(self.registry.services)
