"""The part of contexts that is the same for code on a loop and in threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from holdall.policy import User
from holdall.query import Value, did_you_mean
from holdall.service.command import Dal
from holdall.service.core import ContextCore, ContextState
from holdall.service.meta import Meta
from holdall.service.one_task import ENDED
from holdall.service.services_class import demand_services

__all__ = ["CallerOf", "ContextFacet"]

CallerOf: TypeAlias = Callable[[ContextCore, bool], Callable[[], Value]]
"""Makes the function that finds the facet for commands of a context, on the loop or in threads."""

L = TypeVar("L")


class ContextFacet:
    """A context: who asks (``user``), what is known of the request or task (``meta``), its resources and services."""

    __slots__ = ("__weakref__", "_caller_of", "_dal", "core")

    def __init__(self, core: ContextCore, caller_of: CallerOf) -> None:
        self.core = core  # for other rooms, not for users
        self._caller_of = caller_of
        self._dal: Dal | None = None

    @property
    def meta(self) -> Meta:
        """Return what is known of the request or task. Example: :class:`Context`."""
        return self.core.meta

    @property
    def user(self) -> User:
        """Return for whom the context acts. Example: :class:`Context`."""
        return self.core.user

    @property
    def state(self) -> ContextState:
        """Return how far the context is: created, setup, active, exiting, exited. Example: :class:`Context`."""
        return self.core.state

    @property
    def dal(self) -> Dal:
        """Return the services: ``context.dal.loans.lend(...)``. Example: :class:`Context`."""
        if self._dal is None:
            self._dal = Dal(self._caller_of(self.core, self is self.core.on_loop))
        return self._dal

    def dal_as(self, services: type[L]) -> L:
        """Return the services as a class declares them, for type checkers and editors. Example: :class:`Context`.

        Raises DeclarationError where the application has not all of them.
        """
        return demand_services(services, self.core.registry.services, self.dal)

    @property
    def closing_errors(self) -> tuple[BaseException, ...]:
        """Return the errors with which resources failed to close; they are logged, too. Example: :class:`Context`."""
        return self.core.closing_errors

    def __contains__(self, name: object) -> bool:
        """Whether a resource is open."""
        return isinstance(name, str) and self.core.opened(name) is not ENDED

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.core.registry.name!r}, {self.core.state}>"

    def _demand_resource(self, name: str) -> None:
        if name.startswith("_") or name not in self.core.registry.resources:
            known = sorted(self.core.registry.resources)
            raise AttributeError(f"this context has no resource {name!r}{did_you_mean(name, known)}")
