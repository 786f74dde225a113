"""All that an application declares around its contexts: resources, middleware and services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeVar
from weakref import ref

import msgspec

from holdall.errors import DeclarationError, StateError
from holdall.query import Value, did_you_mean
from holdall.service.base_service import BaseService, demand_service_name, homes_of, subservices
from holdall.service.calls import Calls, MethodMiddleware, method_middleware_of
from holdall.service.factory import Factory, factory_of
from holdall.session import Bindings, Session
from holdall.store import Blocks

__all__ = ["ContextMiddleware", "Registry"]

G = TypeVar("G")


class ContextMiddleware(msgspec.Struct, frozen=True):
    """Code around contexts: all of them, or those for which ``when`` is true."""

    factory: Factory
    when: Callable[[Value], bool] | None
    told: str  # its name, for messages

    @classmethod
    def of(cls, given: object, when: Callable[[Value], bool] | None) -> ContextMiddleware:
        """The middleware that a program declares. Raises DeclarationError for what is none."""
        told = getattr(given, "__qualname__", None) or type(given).__qualname__
        return cls(factory_of("context middleware", given), when, f"middleware {told}")


class Registry:
    """The declarations of one application, and its open contexts.

    ``reserved`` are names that contexts have already, so that no resource can have them.

    Example: :class:`Contexts`.
    """

    def __init__(self, name: str, bindings: Bindings, app: object, reserved: frozenset[str]) -> None:
        self.name = name
        self.bindings = bindings
        self.resources: dict[str, Factory] = {}
        self.middleware: list[ContextMiddleware] = []
        self.services: dict[str, BaseService] = {}
        self.calls = Calls(self.services, [])
        self.sessions: Blocks[Callable[[], Session | None]] = Blocks(f"holdall_{name}")
        self.lock = Lock()
        self._app = ref(app)
        self._reserved = reserved

    # --- resources --------------------------------------------------------------------------------------------------

    def add_resource(self, name: str, given: object) -> None:
        """Take one more; raises DeclarationError where the name is taken, or for what is no resource."""
        if not name.isidentifier() or name.startswith("_") or name in self._reserved:
            raise DeclarationError(
                f"a resource cannot be named {name!r}: it is an attribute of contexts, which have names of their own"
            )
        if name in self.resources:
            raise DeclarationError(f"there is already a resource {name!r}; replace_resource() replaces it")
        self.resources[name] = factory_of(f"resource {name!r}", given)

    def replace_resource(self, name: str, given: object) -> object:
        """Put another in the place of a resource, for contexts that have not opened it; return the former one."""
        former = _demand(self.resources, "resource", name)
        self.resources[name] = factory_of(f"resource {name!r}", given)
        return former.given

    def resource_named(self, name: object) -> tuple[str, Factory]:
        """A resource by its name, or by what was declared. Raises StateError where there is none."""
        if isinstance(name, str):
            if name not in self.resources:
                raise StateError(f"there is no resource {name!r}{did_you_mean(name, sorted(self.resources))}")
            return name, self.resources[name]
        for known, factory in self.resources.items():
            if factory.given is name:
                return known, factory
        told = getattr(name, "__qualname__", type(name).__name__)
        raise StateError(f"{told} is no resource of this application")

    # --- middleware -------------------------------------------------------------------------------------------------

    def add_middleware(self, given: object, when: Callable[[Value], bool] | None) -> None:
        """Take one more, within those that are there; raises DeclarationError for what is none."""
        if when is not None and not callable(when):
            raise DeclarationError(f"when= takes a function of a context, not {type(when).__name__}")
        self.middleware.append(ContextMiddleware.of(given, when))

    def replace_middleware(self, former: object, given: object) -> None:
        """Put another in the place of context middleware; raises DeclarationError where that is not there."""
        place = _place([each.factory.given for each in self.middleware], former)
        when = self.middleware[place].when
        self.middleware[place] = ContextMiddleware.of(given, when)

    def add_method_middleware(self, given: object) -> None:
        """Take one more, within those that are there; raises DeclarationError for what is none."""
        self.calls.middleware.append(method_middleware_of(given))

    def replace_method_middleware(self, former: object, given: object) -> None:
        """Put another in the place of method middleware; raises DeclarationError where that is not there."""
        middleware: list[MethodMiddleware] = self.calls.middleware
        middleware[_place([each.given for each in middleware], former)] = method_middleware_of(given)

    # --- services ---------------------------------------------------------------------------------------------------

    def add_services(self, services: Mapping[str, BaseService]) -> None:
        """Take these, and those below them; raises DeclarationError where a name is taken."""
        for name, service in services.items():
            demand_service_name(name, service)
            if name in self.services:
                raise DeclarationError(f"there is already a service {name!r}; replace_service() replaces it")
            demand_tree(service, name)
        for name, service in services.items():
            self.services[name] = service
            self.take_in(service)

    def replace_service(self, name: str, service: BaseService) -> BaseService:
        """Put another in the place of a service; return the former one. Raises DeclarationError where there is none."""
        former = _demand(self.services, "service", name)
        demand_service_name(name, service)
        demand_tree(service, name)
        self.services[name] = service
        self.take_in(service)
        return former

    def take_in(self, service: BaseService) -> None:
        """Let a service, and those below it, know the application."""
        homes = homes_of(service)
        if self not in homes:
            homes.add(self)
            service.setup(self._app())
        for _, below in subservices(service):
            self.take_in(below)


def demand_tree(service: BaseService, path: str, above: tuple[BaseService, ...] = ()) -> None:
    """Raise DeclarationError where a service stands below itself."""
    if any(service is each for each in above):
        raise DeclarationError(f"service {path!r} stands below itself")
    for name, below in subservices(service):
        demand_tree(below, f"{path}.{name}", (*above, service))


def _demand(known: Mapping[str, G], what: str, name: object) -> G:
    found = known.get(name) if isinstance(name, str) else None
    if found is None:
        raise DeclarationError(f"there is no {what} {name!r}{did_you_mean(name, sorted(known))}")
    return found


def _place(known: list[object], former: object) -> int:
    for place, each in enumerate(known):
        if each is former:
            return place
    told = getattr(former, "__qualname__", type(former).__name__)
    raise DeclarationError(f"{told} is no middleware of this kind here")
