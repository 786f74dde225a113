"""Policies: who may read, create, update and delete the records of a collection."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from holdall.errors import DeclarationError, Forbidden
from holdall.policy.user import User

__all__ = ["Authenticated", "Everyone", "Grant", "Nobody", "Policy", "Right", "Role"]


class Right(StrEnum):
    """The rights of a policy: read, create, update, delete. Example: :class:`Policy`."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Grant(Protocol):
    """A grant decides for a user; any object with this method is one. Example: :class:`Policy`."""

    def allows(self, user: User) -> bool:
        """Whether the user may."""
        ...


class _Everyone(msgspec.Struct, frozen=True):
    def allows(self, user: User) -> bool:
        return True


class _Authenticated(msgspec.Struct, frozen=True):
    def allows(self, user: User) -> bool:
        return user.is_authenticated


class _Nobody(msgspec.Struct, frozen=True):
    def allows(self, user: User) -> bool:
        return False


class Role(msgspec.Struct, frozen=True):
    """A grant for users who hold a role. Example: :class:`Policy`."""

    name: str

    def allows(self, user: User) -> bool:
        """Whether the user holds it."""
        return user.has_role(self.name)


Everyone = _Everyone()
"""Everyone, anonymous visitors too."""
Authenticated = _Authenticated()
"""Whoever is known."""
Nobody = _Nobody()
"""No one but the program itself."""


class Policy:
    """The rights of users in a collection.

    ``write`` stands for create, update and delete where these are not given. Without anything, only authenticated
    users may. A grant that raises denies. Raises DeclarationError for what is no grant.

    >>> policy = Policy(read=Everyone, write=Role("editor"))
    >>> from holdall.policy import Right
    >>> policy.allows(Right.READ, ANONYMOUS), policy.allows(Right.CREATE, User("jane", roles=["editor"]))
    (True, True)
    >>> policy.described(Right.DELETE)
    'role editor'
    >>> policy.demand(Right.DELETE, ANONYMOUS, "book")
    Traceback (most recent call last):
    holdall.errors.Forbidden: no right to delete book
    """

    __slots__ = ("_grants",)

    def __init__(
        self,
        *,
        read: Grant = Authenticated,
        write: Grant = Authenticated,
        create: Grant | None = None,
        update: Grant | None = None,
        delete: Grant | None = None,
    ) -> None:
        for name, grant in (
            ("read", read),
            ("write", write),
            ("create", create),
            ("update", update),
            ("delete", delete),
        ):
            if not callable(getattr(grant, "allows", None)) and (grant is not None or name in ("read", "write")):
                raise DeclarationError(_no_grant(name, grant))
        self._grants = {
            Right.READ: read,
            Right.CREATE: create or write,
            Right.UPDATE: update or write,
            Right.DELETE: delete or write,
        }

    def allows(self, right: Right, user: User) -> bool:
        """Whether the user has the right; a grant that raises gives none."""
        if user.unrestricted:
            return True
        try:
            return self._grants[right].allows(user) is True
        except Exception:
            return False

    def described(self, right: Right) -> str:
        """Describe, for those who run the service, to whom the right is given."""
        grant = self._grants[right]
        if isinstance(grant, Role):
            return f"role {grant.name}"
        for known, words in ((Everyone, "everyone"), (Authenticated, "known users"), (Nobody, "nobody")):
            if grant is known:
                return words
        return type(grant).__name__

    def demand(self, right: Right, user: User, collection: str) -> None:
        """Raise Forbidden unless the user has the right."""
        if not self.allows(right, user):
            raise Forbidden(right, collection)


def _no_grant(right: str, given: object) -> str:
    if isinstance(given, str):
        return f'{right} is granted by Everyone, Authenticated, Nobody or Role("..."), not by text: Role({given!r})'
    return f"{right} is granted by Everyone, Authenticated, Nobody or a Role, not by {type(given).__name__}"
