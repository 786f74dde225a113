"""From the claims of a provider to the login, roles and attributes of an account."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.users.oidc.failed import OidcFailed

__all__ = ["ClaimMap", "MappedClaims"]

_LONGEST_LOGIN = 200  # characters


class MappedClaims(msgspec.Struct, frozen=True):
    """The parts of an account that claims decide; ``roles`` is None where they do not decide about roles."""

    login: str
    roles: list[str] | None
    attributes: dict[str, Value]


class ClaimMap(msgspec.Struct, frozen=True, kw_only=True):
    """Which claims become what of an account. Names of claims may lead into objects, as ``realm_access.roles``.

    ``login`` is the claim for the login of a new account; where this is ``email``, the provider must have verified it.
    ``roles`` is the claim of roles or groups, and ``role_names`` says which of its values is which role here: others
    give none, and roles of an account follow the claim with each login. ``attributes`` are claims by the name of the
    attribute. Raises DeclarationError for one of ``roles`` and ``role_names`` without the other.

    >>> names = {"staff": "editor"}
    >>> claims = ClaimMap(login="email", roles="groups", role_names=names, attributes={"tenant": "org.id"})
    >>> claims.of({"email": "Ann@x.example", "email_verified": True, "groups": ["staff", "all"], "org": {"id": 7}})
    MappedClaims(login='ann@x.example', roles=['editor'], attributes={'tenant': 7})
    """

    login: str = "preferred_username"
    roles: str | None = None
    role_names: Mapping[str, str] = {}
    attributes: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if (self.roles is None) != (not self.role_names):
            raise DeclarationError(
                "roles by a claim need both: ClaimMap(roles='groups', role_names={'staff': 'editor'})"
            )

    def of(self, claims: Mapping[str, Value]) -> MappedClaims:
        """Return what these claims say. Raises OidcFailed where the login is missing, or not verified.

        Example: :class:`ClaimMap`.
        """
        login = _at(claims, self.login)
        if not isinstance(login, str) or not 0 < len(login.strip()) <= _LONGEST_LOGIN or not login.isprintable():
            raise OidcFailed(f"the claim {self.login!r} gives no login")
        if self.login == "email" and claims.get("email_verified") is not True:
            raise OidcFailed("the email is not verified")
        attributes = {name: found for name, path in self.attributes.items() if (found := _at(claims, path)) is not None}
        return MappedClaims(login.strip().lower(), self._roles(claims), attributes)

    def _roles(self, claims: Mapping[str, Value]) -> list[str] | None:
        if self.roles is None:
            return None
        given = _at(claims, self.roles)
        values = given if isinstance(given, list) else [given]
        named = {self.role_names[each] for each in values if isinstance(each, str) and each in self.role_names}
        return sorted(named)


def _at(claims: Mapping[str, Value], path: str) -> Value:
    """The claim of this name, or what lies at this path; None where there is nothing."""
    if path in claims:
        return claims[path]
    found: Value = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
