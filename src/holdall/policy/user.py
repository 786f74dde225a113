"""Users, as policies see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Key, Later, Value

__all__ = ["ANONYMOUS", "SYSTEM", "Attributes", "Me", "User", "me"]


class Attributes(Mapping[str, Value]):
    """Facts that are known of a user, by name; not to be changed, so that users are values.

    >>> Attributes({"tenant": "north"})["tenant"]
    'north'
    """

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, Value] = MappingProxyType({})) -> None:
        self._given = dict(given)

    def __getitem__(self, name: str) -> Value:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __hash__(self) -> int:
        return hash(frozenset(self._given))

    def __repr__(self) -> str:
        return f"{{{', '.join(sorted(self._given))}}}"  # the names alone: values may be anything


class User(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The user of a session: an id, the roles held, and whether rights are checked at all.

    ``attributes`` are whatever rules of policies are to know, such as the tenant or the teams of the user. Raises
    DeclarationError for roles or attributes that are none.

    >>> ann = User("ann", roles=frozenset({"librarian"}), attributes={"tenant": "north"})
    >>> ann.has_role("librarian"), ann.has_role("admin", "librarian"), ann.is_anonymous
    (True, True, False)
    >>> ann.attributes["tenant"]
    'north'
    """

    id: Key
    roles: frozenset[str] = frozenset()
    unrestricted: bool = False
    login: str | None = None
    attributes: Mapping[str, Value] = Attributes()

    def __post_init__(self) -> None:
        given: object = self.roles
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise DeclarationError("roles are a set of names, as frozenset({'editor'}), not text")
        if not isinstance(self.roles, frozenset):
            msgspec.structs.force_setattr(self, "roles", frozenset(self.roles))
        if self.attributes.__class__ is not Attributes:
            if not isinstance(self.attributes, Mapping):
                raise DeclarationError("attributes are given by name, as attributes={'tenant': 'north'}")
            msgspec.structs.force_setattr(self, "attributes", Attributes(self.attributes))

    @property
    def is_authenticated(self) -> bool:
        """Whether the user has an id."""
        return self.id is not None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody said who asks."""
        return self.id is None

    def has_role(self, *roles: str) -> bool:
        """Whether the user holds the role, or any of several."""
        return any(role in self.roles for role in roles)


ANONYMOUS = User(None)
"""Nobody in particular: what a request without credentials acts as."""

SYSTEM = User("system", unrestricted=True)
"""The program itself, which holds the stores' credentials anyway; scripts act as this unless they name a user."""


class Me:
    """Stands for the user who asks, in the rules of policies: ``me.id``, ``me.roles`` and every attribute by name.

    A comparison with what a user has not is true of no record, and neither is its opposite. Example: :class:`Policy`.
    """

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        return Later(f"me.{name}", _Of(name))

    def __repr__(self) -> str:
        return "me"


class _Of:
    """Gets one thing of a user."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, user: User) -> Value:
        if self.name in ("id", "login", "roles"):
            return getattr(user, self.name)
        return user.attributes.get(self.name)


me: Value = Me()
"""Whoever asks, in the rules of policies."""
