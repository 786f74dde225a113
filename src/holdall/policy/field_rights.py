"""The rights of users in single fields of a collection, and what fields are given by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from holdall.errors import DeclarationError
from holdall.policy.bound import bound
from holdall.policy.rule import Everyone, Given, Grant, Rule, as_rule, is_plain
from holdall.policy.user import User
from holdall.query import NEVER, Later, Value

__all__ = ["FieldRights", "Preset"]

_NONE: Value = object()

Preset: TypeAlias = Value | Callable[[User], Value]
"""A value, something of ``me``, or a function of the user that gives it."""


class FieldRights:
    """To whom a field is shown, by whom it is written, and its value when a record is made.

    Users who may not read a field may not write it, unless ``write`` says otherwise; ``create`` and ``update`` are for
    these alone. ``preset`` is the value that new records have: it is given by users who may write the field when a
    record is made, and only by the policy for all others. Reading depends on the user alone, never on the record.

    Raises DeclarationError for what is no rule.

    >>> rights = FieldRights(read=Role("accounting"), write=Nobody, preset=me.id)
    >>> rights.may_read(User("ann")), rights.preset_for(User("ann"))
    (False, 'ann')
    """

    __slots__ = ("create", "preset", "read", "update")

    def __init__(
        self,
        *,
        read: Given = Everyone,
        write: Given | None = None,
        create: Given | None = None,
        update: Given | None = None,
        preset: Preset = _NONE,
    ) -> None:
        self.read = as_rule(read, "the reading of a field")
        if not is_plain(self.read):
            raise DeclarationError(
                "the reading of a field depends on the user alone: give a Role or a function of the user, or keep what"
                " only some records show in a collection of its own"
            )
        both = self.read if write is None else as_rule(write, "the writing of a field")
        self.create = both if create is None else as_rule(create, "the writing of a field")
        self.update = both if update is None else as_rule(update, "the writing of a field")
        self.preset = preset

    @property
    def has_preset(self) -> bool:
        """Whether new records have a value by themselves. Example: :class:`FieldRights`."""
        return self.preset is not _NONE

    def may_read(self, user: User) -> bool:
        """Whether the user may read the field. Example: :class:`FieldRights`."""
        return user.unrestricted or bound(self.read, user) != NEVER

    def rule(self, *, is_new: bool) -> Grant | Rule:
        """The rule for writing the field of a new or of a stored record. Example: :class:`FieldRights`."""
        return self.create if is_new else self.update

    def preset_for(self, user: User) -> Value:
        """The value of the field in a record that the user makes. Example: :class:`FieldRights`."""
        if isinstance(self.preset, Later):
            return self.preset.get(user)
        return self.preset(user) if callable(self.preset) else self.preset
