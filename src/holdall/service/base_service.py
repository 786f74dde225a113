"""The part of a service that does not know contexts: its place in a tree of services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self
from weakref import WeakSet

from holdall.errors import DeclarationError
from holdall.query import Value

__all__ = ["OWN_NAMES", "BaseService", "demand_service_name", "homes_of", "subservices"]

OWN_NAMES = frozenset({"add_services", "context", "dal", "session", "setup"})
"""The names that every service has, which are no methods for callers."""


class BaseService:
    """Business logic, reached by a path.

    Example: :class:`holdall.Service`.
    """

    def setup(self, app: Value) -> None:
        """Prepare for an application, to which the service is being added. Example: :class:`holdall.Service`."""

    def add_services(self, **services: BaseService) -> Self:
        """Put services below this one, by name; return this one.

        Raises DeclarationError for a name that is taken, or that no path can have. Example: :class:`holdall.Service`.
        """
        for name, service in services.items():
            demand_service_name(name, service)
            if hasattr(type(self), name) or name in self.__dict__:
                raise DeclarationError(f"{type(self).__name__} already has {name!r}")
        for name, service in services.items():
            setattr(self, name, service)
        for registry in homes_of(self):
            for service in services.values():
                registry.take_in(service)
        return self


def subservices(service: BaseService) -> Iterator[tuple[str, BaseService]]:
    """The services directly below one, by name: attributes of its class and its own."""
    for name in dict.fromkeys([*dir(type(service)), *getattr(service, "__dict__", ())]):
        if not name.startswith("_") and name not in OWN_NAMES:
            found = getattr(service, "__dict__", {}).get(name, getattr(type(service), name, None))
            if isinstance(found, BaseService):
                yield name, found


def homes_of(service: BaseService) -> WeakSet[Value]:
    """The applications that have a service, as registries."""
    homes: WeakSet[Value] | None = service.__dict__.get("_homes")
    if homes is None:
        homes = service.__dict__["_homes"] = WeakSet()
    return homes


def demand_service_name(name: str, given: object) -> None:
    """Raise DeclarationError for a name that no path can have, and for what is no service."""
    if not name.isidentifier() or name.startswith("_") or name in OWN_NAMES:
        raise DeclarationError(f"a service cannot be named {name!r}: names of services are public attributes")
    if not isinstance(given, BaseService):
        told = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise DeclarationError(f"service {name!r} is an object of a class derived from Service, not {told}")
