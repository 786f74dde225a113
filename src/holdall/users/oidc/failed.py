"""A login by a provider that is not believed, or that the provider could not be asked about."""

from __future__ import annotations

__all__ = ["OidcFailed"]


class OidcFailed(Exception):
    """A login by a provider came to nothing; ``reason`` says in a few fixed words why, for those who run the service.

    The reason never holds what was received: no token, code, claim or address. ``is_outage`` says that the provider
    could not be asked, so that a later try may do.

    >>> OidcFailed("the nonce is another one").is_outage
    False
    """

    def __init__(self, reason: str, *, is_outage: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_outage = is_outage
