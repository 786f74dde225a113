"""From a URL to a server: where it is, who we are, TLS, and how many connections for how long."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from redis.asyncio.connection import Connection, SSLConnection

from holdall.errors import DeclarationError
from holdall.store import refuse_fragment
from holdall.stores.redis.cluster import ClusterServer, Connector
from holdall.stores.redis.server import Server, SingleServer

__all__ = ["Connecting", "server_at"]

_READ_BYTES = 2**18
_PORT = 6379


class Connecting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to connect; each may also stand in the URL's query.

    ``max_connections`` are open at once, to each server; ``timeout`` seconds bound a call, the wait for a connection
    included, ``connect_timeout`` seconds the making of one. With ``rediss`` the server's certificate is checked against
    ``ca_file``, or else what the system trusts; ``cert_file`` and ``key_file`` are our own.
    """

    max_connections: int = 16
    timeout: float = 30.0
    connect_timeout: float = 5.0
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


def server_at(store: str, url: str, given: Connecting) -> tuple[Server, bool]:
    """The server of a URL, and whether it is a cluster; no I/O is done. Raises DeclarationError."""
    refuse_fragment(url)
    parts = urlsplit(url)
    scheme, plus, cluster = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or (plus and cluster != "cluster"):
        raise DeclarationError(f"store {store!r}: {scheme}{plus}{cluster} is no scheme of a Redis store")
    try:
        asked = msgspec.to_builtins(given) | dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        settings = msgspec.convert(asked, Connecting, strict=False)
        port = parts.port or _PORT
        database = int(parts.path.strip("/") or 0)
    except (msgspec.ValidationError, ValueError) as error:
        raise DeclarationError(f"store {store!r}: its URL cannot be read: {error}") from error
    if settings.max_connections < 1 or settings.timeout <= 0 or settings.connect_timeout <= 0:
        raise DeclarationError(f"store {store!r}: connections and timeouts must be more than 0")
    if plus and database:
        raise DeclarationError(f"store {store!r}: a cluster has database 0 only")
    host = unquote(parts.hostname or "127.0.0.1")
    username = settings.username or (unquote(parts.username) if parts.username else None)
    password = settings.password or (unquote(parts.password) if parts.password else None)
    connector = _connector(settings, database, username, password, is_safe=scheme == "rediss")
    if plus:
        return ClusterServer(store, connector, (host, port), settings.max_connections, settings.timeout), True
    return SingleServer(store, connector(host, port), settings.max_connections, settings.timeout), False


def _connector(
    settings: Connecting, database: int, username: str | None, password: str | None, *, is_safe: bool
) -> Connector:
    options: dict[str, Any] = {
        "db": database,
        "username": username,
        "password": password,
        "socket_timeout": None,  # each call has a bound of its own
        "socket_connect_timeout": settings.connect_timeout,
        "socket_read_size": _READ_BYTES,
        "protocol": 2,
        "driver_info": None,
    }
    if not is_safe:
        return lambda host, port: lambda: Connection(host=host, port=port, **options)
    tls: dict[str, Any] = {
        "ssl_ca_certs": settings.ca_file,
        "ssl_certfile": settings.cert_file,
        "ssl_keyfile": settings.key_file,
    }
    return lambda host, port: lambda: SSLConnection(host=host, port=port, **options, **tls)
