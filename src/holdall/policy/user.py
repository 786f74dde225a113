"""Users, as policies see them."""

from __future__ import annotations

import msgspec

from holdall.errors import DeclarationError

__all__ = ["ANONYMOUS", "SYSTEM", "User"]


class User(msgspec.Struct, frozen=True):
    """The user of a session: an id, the roles held, and whether rights are checked at all.

    >>> User("ann", roles=frozenset({"librarian"})).has_role("librarian")
    True
    """

    id: str | None
    roles: frozenset[str] = frozenset()
    unrestricted: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.roles, str):
            raise DeclarationError("roles are a set of names, as frozenset({'editor'}), not text")

    @property
    def is_authenticated(self) -> bool:
        """Whether the user has an id."""
        return self.id is not None

    def has_role(self, role: str) -> bool:
        """Whether the user holds the role."""
        return role in self.roles


ANONYMOUS = User(None)
"""Nobody in particular: what a request without credentials acts as."""

SYSTEM = User("system", unrestricted=True)
"""The program itself, which holds the stores' credentials anyway; scripts act as this unless they name a user."""
