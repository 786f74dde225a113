"""The proxy by which an API is reached: one that is named, or that of the environment."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from holdall.errors import DeclarationError

__all__ = ["ENVIRONMENT", "proxy_for"]

ENVIRONMENT = "environment"
"""The proxy that ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` name."""


def proxy_for(store: str, url: str, proxy: str | None) -> str | None:
    """The URL of the proxy for this API; None where there is none. Raises DeclarationError for one that cannot be.

    >>> proxy_for("crm", "https://api.example.com", "http://proxy.example.com:3128")
    'http://proxy.example.com:3128'
    """
    if proxy == ENVIRONMENT:
        parts = urlsplit(url)
        proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if proxy is None:
        return None
    try:
        named = urlsplit(proxy)
        is_fit = named.scheme in ("http", "https") and bool(named.hostname) and named.path in ("", "/")
        _ = named.port
    except ValueError:
        is_fit = False
    if not is_fit:
        raise DeclarationError(
            f'store {store!r}: proxy= is http://host:port, with user:password@ or not, or "{ENVIRONMENT}"'
        )
    return proxy
