"""Records of logins by providers: ordinary models, beside the accounts."""

from __future__ import annotations

from datetime import datetime

from holdall.model import Model, field

__all__ = ["OidcIdentity", "OidcRequest", "OidcSession"]


class OidcIdentity(Model, collection="oidc_identities"):
    """Which account a subject of an issuer is; the key is the hash of both. Example: ``docs/users.md``."""

    id: str = field(pk=True, length=(1, 64))
    issuer: str
    subject: str
    account: str = field(index=True)


class OidcRequest(Model, collection="oidc_requests"):
    """A login that a browser began and did not end; the key is the hash of its cookie.

    The version has one removal of several at once go through. Example: ``docs/users.md``.
    """

    id: str = field(pk=True, length=(1, 64))
    provider: str
    target: str
    expires: datetime = field(index=True)
    version: int = field(version=True)


class OidcSession(Model, collection="oidc_sessions"):
    """The facts that a logout at the provider needs; the key is that of the session. Example: ``docs/users.md``."""

    id: str = field(pk=True, length=(1, 64))
    id_token: str = field(repr=False)
    expires: datetime = field(index=True)
