"""The collections as one user sees them: those of which he reads some records only are asked with his rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias, cast

from holdall.policy import Right, User, all_of, any_of
from holdall.query import ALWAYS, AnyQuery, Condition, NestedName
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.guarded_access import Apart, GuardedAccess
from holdall.store import Feature, Store, StoreTransaction

__all__ = ["VisibleCollections"]

_Answered: TypeAlias = Callable[[Binding, Condition], Awaitable[Condition]]


class VisibleCollections:
    """Gives access to collections for a user; ``answered`` makes rules that lead elsewhere answerable by a store.

    Without ``is_joining``, conditions are made to stay in their own collections. ``is_living`` leaves out deleted
    records, unless a query names the field that says when they were deleted.
    """

    def __init__(
        self, bindings: Bindings, user: User, answered: _Answered, *, is_joining: bool = True, is_living: bool = False
    ) -> None:
        self._bindings = bindings
        self._user = user
        self._answered = answered
        self._is_joining = is_joining
        self._is_living = is_living
        self._guarded: dict[Binding, GuardedAccess | None] = {}

    def access(self, binding: Binding) -> Store | StoreTransaction:
        """The one that answers queries of a collection, by the records that the user may read."""
        guarded = self.guarded(binding)
        return self._bindings.access(binding) if guarded is None else cast(Store, guarded)

    def counting(self, binding: Binding) -> Callable[[AnyQuery], Awaitable[int]] | None:
        """The function that counts visible records of a collection; None where nothing does."""
        guarded = self.guarded(binding)
        if guarded is None:
            return self._bindings.counting(binding)
        return guarded.count if guarded.is_counting else None

    def guarded(self, binding: Binding) -> GuardedAccess | None:
        """The collection as the user sees it; None where he sees all of it."""
        if binding.is_open_to(self._user) or (self._user.unrestricted and not self._is_living):
            return None
        if binding not in self._guarded:
            rule, deletion = binding.policy.bound(Right.READ, self._user), binding.declaration.deletion
            if deletion is None or not self._is_living:
                self._guarded[binding] = None if rule == ALWAYS else self._made(binding, rule)
            else:
                erasing = binding.policy.bound(Right.DELETE, self._user)
                whole = rule if erasing == ALWAYS else all_of([rule, any_of([binding.living, erasing])])
                self._guarded[binding] = self._made(
                    binding,
                    all_of([rule, binding.living]),
                    Apart(deletion.name, None if whole == ALWAYS else self._made(binding, whole)),
                )
        return self._guarded[binding]

    def _made(self, binding: Binding, rule: Condition, apart: Apart | None = None) -> GuardedAccess:
        access = self._bindings.access(binding)
        counting = self._bindings.counting(binding)
        return GuardedAccess(binding, access, counting, rule, partial(self._answered, binding), apart)

    def is_joined(
        self,
        binding: Binding,
        target: Binding,
        feature: Feature,
        rules: list[Condition] | None = None,
        asked: Condition = ALWAYS,
        reference: str = "",
    ) -> bool:
        """Whether the store itself answers for what leads from one to the other, where ``asked`` is asked of that.

        The rule for reading the target then becomes a part of the condition, added to ``rules``; where it cannot, the
        target is asked by itself. No store follows a ``reference`` inside a value.
        """
        if (
            reference.__class__ is NestedName
            or not self._is_joining
            or target.store is not binding.store
            or feature not in binding.store.capabilities.features
        ):
            return False
        own, other = self.guarded(binding), self.guarded(target)
        if other is not None:
            other = other.for_condition(asked)
        if own is not None and not own.is_pushed:
            return False
        if other is None:
            return True
        if rules is None or not other.can_be_prefixed:
            return False
        rules.append(other.own_rule)
        return True
