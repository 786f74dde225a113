"""Parts of a PostgreSQL URL beside the server's place: settings of the server, and words of other drivers."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from holdall.errors import DeclarationError
from holdall.store import refuse_fragment

__all__ = ["PostgresPlace", "place_of"]

_log = logging.getLogger("holdall.stores.sql")

_OF_OTHER_DRIVERS = frozenset(
    (
        *("connect_timeout", "channel_binding", "gssencmode", "gssdelegation", "sslcompression", "sslsni"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        *("require_auth", "load_balance_hosts", "fallback_application_name", "pgbouncer"),
        *("prepared_statement_name_func", "prepared_statement_cache_size", "statement_cache_size", "async_fallback"),
    )
)  # fmt: skip
"""Parameters of libpq (PostgreSQL manual, 34.1.2), SQLAlchemy and Prisma that are no settings of the server."""


_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class PostgresPlace(msgspec.Struct, frozen=True):
    """A URL as asyncpg takes it: what is left of its query are settings of the server, by these names.

    ``connect_timeout`` (seconds) is the URL's own. ``is_pooled`` if it says that a transaction pooler is there.
    ``where`` is the host with its port, or where else the server is, in words.
    """

    url: str
    settings: frozenset[str]
    connect_timeout: float | None = None
    is_pooled: bool = False
    where: str = "its socket"


def place_of(url: str) -> PostgresPlace:
    """The place a URL means. Raises DeclarationError for one that cannot be read."""
    refuse_fragment(url)
    parts = urlsplit(url)
    _demand_ports(parts.netloc)
    try:
        given = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        timeout = float(given["connect_timeout"]) if "connect_timeout" in given else 0.0
    except ValueError as error:
        raise DeclarationError(
            "the parameters of a PostgreSQL URL cannot be read; write name=value&name=value"
        ) from error
    if given.get("sslmode", "prefer") not in _SSL_MODES:
        raise DeclarationError(f"sslmode in a PostgreSQL URL is one of {', '.join(_SSL_MODES)}")
    if given.get("channel_binding") == "require":
        _log.warning("channel_binding=require is not kept, as the driver has none; sslmode=verify-full is as strong")
    kept = {name: value for name, value in given.items() if name not in _OF_OTHER_DRIVERS}
    return PostgresPlace(
        url if kept == given else parts._replace(query=urlencode(kept)).geturl(),
        frozenset(kept),
        timeout if timeout > 0 else None,
        is_pooled="0" in (given.get("statement_cache_size"), given.get("prepared_statement_cache_size"))
        or given.get("pgbouncer", "").lower() in ("true", "1"),
        where=parts.netloc.rpartition("@")[2] or given.get("host") or "its socket",
    )


def _demand_ports(netloc: str) -> None:
    """Raise DeclarationError for a port that is no number, of any of several hosts."""
    for host in netloc.rpartition("@")[2].split(","):
        port = host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
        if port and not (port.isdecimal() and 0 < int(port) < 65_536):
            raise DeclarationError("the port in a PostgreSQL URL is a number below 65536")
