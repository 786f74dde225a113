"""New contexts, each with its two facets."""

from __future__ import annotations

from collections.abc import Callable
from weakref import ref

from holdall.errors import StateError
from holdall.policy import User
from holdall.query import Value
from holdall.service.acting import acting_in, acting_order
from holdall.service.context import Context
from holdall.service.core import ContextCore, ContextState
from holdall.service.meta import meta_of
from holdall.service.registry import Registry
from holdall.service.sync_context import SyncContext
from holdall.session import Session, Wait

__all__ = ["RESERVED_NAMES", "active_core", "active_session", "new_context"]

RESERVED_NAMES = frozenset(name for name in [*dir(Context), *dir(SyncContext)] if not name.startswith("_"))
"""The names that resources cannot have."""


def new_context(registry: Registry, meta: object, user: object, wait: Wait | None = None) -> ContextCore:
    """A context that is not entered yet; with ``wait`` it is for code that is not async.

    Raises StateError for what is no user, DeclarationError for what are no meta data. Example: :class:`Contexts`.
    """
    if not isinstance(user, User):
        raise StateError(f"a context is for a User, such as User('ann'), not {type(user).__name__}")
    return ContextCore(registry, meta_of(meta), user, wait, _facet_of)


def active_core(registry: Registry) -> ContextCore | None:
    """The innermost context of an application that this code is in. Example: :class:`Contexts`."""
    found = acting_in(lambda facet: facet.core.registry is registry)
    core: ContextCore | None = None if found is None else found.core
    return None if core is None or core.state is ContextState.EXITED else core


def active_session(registry: Registry) -> Session | None:
    """The session of the innermost block that this code is in, also of a context. Example: :class:`Contexts`."""
    opened = registry.sessions.find(lambda session: True)
    if acting_order(lambda facet: facet.core.registry is registry) > (-1 if opened is None else opened[0]):
        core = active_core(registry)
        return None if core is None else core.session_if_open
    return None if opened is None else opened[1]()


def _facet_of(core: ContextCore, is_async: bool) -> Context | SyncContext:
    return Context(core, _caller_of) if is_async else SyncContext(core, _caller_of)


def _caller_of(core: ContextCore, is_async: bool) -> Callable[[], Value]:
    """Finds the context of a command: the one it was made in, and after that the one that is open."""
    own, registry = ref(core), core.registry

    def find() -> Value:
        found = own()
        if found is None or found.state is ContextState.EXITED:
            found = active_core(registry)
        if found is None:
            raise StateError(
                f"the context of this command has ended, and no other one of {registry.name!r} is open here:"
                " async with app.dal() as dal"
            )
        return found.on_loop if is_async else found.in_thread

    return find
