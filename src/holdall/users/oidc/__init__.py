"""Login by an OpenID Connect provider: authorization code flow with PKCE; needs ``holdall[oidc]``."""

from holdall.users.oidc.claim_map import ClaimMap
from holdall.users.oidc.failed import OidcFailed
from holdall.users.oidc.login import OidcDone, OidcLogin, OidcStart
from holdall.users.oidc.provider import OidcProvider
from holdall.users.oidc.records import OidcIdentity, OidcRequest, OidcSession

__all__ = [
    "ClaimMap",
    "OidcDone",
    "OidcFailed",
    "OidcIdentity",
    "OidcLogin",
    "OidcProvider",
    "OidcRequest",
    "OidcSession",
    "OidcStart",
]
