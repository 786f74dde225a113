"""The part of one collection that a document describes: all of it, or the part that is for one user."""

from __future__ import annotations

import msgspec

from holdall.actions import On
from holdall.app.acting import ByName
from holdall.policy import Right, User
from holdall.session import Binding, Bindings, read_only_fields
from holdall.web.openapi.reference_ends import unknown_ends

__all__ = ["EVERYTHING", "Access", "access_of"]


class Access(msgspec.Struct, frozen=True):
    """The described part of a collection.

    ``hidden`` fields are not read; ``closed`` references lead to what is not read. ``not_created`` and ``not_changed``
    are the fields that are not given. ``actions`` and ``selections`` are the names of those that are told; None for
    all. The other ends of ``one_sided`` references are not told. Example: :func:`access_of`.
    """

    rights: frozenset[Right] = frozenset(Right)
    hidden: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    not_created: frozenset[str] = frozenset()
    not_changed: frozenset[str] = frozenset()
    actions: frozenset[str] | None = None
    selections: frozenset[str] | None = None
    one_sided: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether no part of the collection is described."""
        return not (self.rights or self.actions or self.selections)

    @property
    def leads_to(self) -> frozenset[str]:
        """The names that nothing is asked by, and nothing shown: hidden fields, and closed references."""
        return self.hidden | self.closed

    def has_action(self, name: str) -> bool:
        """Whether an action is told. Example: :func:`access_of`."""
        return self.actions is None or name in self.actions

    def has_selection(self, name: str) -> bool:
        """Whether a selection is told. Example: :func:`access_of`."""
        return self.selections is None or name in self.selections


EVERYTHING = Access()
"""Of a document that is for nobody in particular."""


def access_of(binding: Binding, bindings: Bindings, user: User, by_name: ByName | None = None) -> Access:
    """Return the part of a collection that is for one user; a rule for records counts as if there were such records.

    >>> from holdall import ANONYMOUS, Everyone, Holdall, Model, Policy, field
    >>> class Country(Model, collection="countries"):
    ...     code: str = field(pk=True)
    >>> app = Holdall("atlas")
    >>> app.add_store("main", "memory:")
    >>> app.add(Country, store="main", policy=Policy(read=Everyone))
    >>> app.bindings.configure()
    >>> access_of(app.bindings.of_name("countries"), app.bindings, ANONYMOUS).rights == {Right.READ}
    True
    """
    policy, collection = binding.policy, binding.collection
    writes = (Right.CREATE, Right.UPDATE, Right.DELETE)
    rights = [right for right in (Right.READ, *(() if binding.is_read_only else writes)) if policy.allows(right, user)]
    can_read, hidden = Right.READ in rights, binding.hidden(user)
    derived = hidden - policy.hidden(user)  # hidden for what they tell of other records, not by a rule about writing
    targets = [*binding.declaration.relations, *binding.declaration.nested.values()]
    return Access(
        rights=frozenset(rights),
        hidden=hidden,
        closed=frozenset(
            field.name
            for field in targets
            if field.target is not None and not bindings.of_model(field.target()).policy.allows(Right.READ, user)
        ),
        not_created=derived.union(read_only_fields(binding, user, is_new=True)),
        not_changed=derived.union(read_only_fields(binding, user, is_new=False)),
        actions=frozenset(
            each.name
            for each in (by_name.actions.of(collection) if by_name else ())
            if each.is_for(user) and each.policy.may_execute(user) and (can_read or each.on is On.NOTHING)
        ),
        selections=frozenset(
            each.name for each in (by_name.selections.of(collection) if by_name else ()) if each.is_for(user)
        ),
        one_sided=unknown_ends(binding, user),
    )
