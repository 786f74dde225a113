"""From a URL to a server: where it is, who we are, TLS, and how many connections for how long."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.store import PoolOptions, Seam, demand_options, refuse_fragment
from holdall.stores.redis.cluster import ClusterServer, Connector
from holdall.stores.redis.pool import Pooling
from holdall.stores.redis.sentinel import Sentinels, primary_connector
from holdall.stores.redis.server import Server, SingleServer

__all__ = ["Connecting", "server_at"]

_READ_BYTES = 2**18
_PORT, _SENTINEL_PORT = 6379, 26379


class Connecting(PoolOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to connect; each may also stand in the URL's query; see ``PoolOptions`` for the words not named here.

    ``timeout`` bounds a call, the wait for a connection included. ``db`` is the database where the URL's path does not
    say it. With ``rediss`` the server's certificate is checked against ``ca_file``, or else what the system trusts;
    ``cert_file`` and ``key_file`` are our own. ``service`` is what sentinels call the primary; they may have a
    ``sentinel_username`` and a ``sentinel_password`` of their own.
    """

    connections: int = 16
    acquire_timeout: float = 30.0
    connect_timeout: float = 5.0
    timeout: float = 30.0
    recycle: float | None = None
    idle_timeout: float | None = None
    ping_after: float = 5.0
    db: int = 0
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    service: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None


_KINDS = ("", "cluster", "sentinel", "unix")


def server_at(seam: Seam, url: str, given: Connecting) -> tuple[Server, bool]:
    """The server of a URL, and whether it is a cluster; no I/O is done. Raises DeclarationError."""
    refuse_fragment(url)
    store, parts = seam.store, urlsplit(url)
    scheme, kind = _scheme_of(store, parts.scheme)
    try:
        named = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        demand_options(Connecting.__struct_fields__, store, named)
        asked = msgspec.to_builtins(given) | named
        settings = msgspec.convert(asked, Connecting, strict=False)
        hosts = _hosts(parts.netloc.rpartition("@")[2], _SENTINEL_PORT if kind == "sentinel" else _PORT)
        database = settings.db if kind == "unix" else int(parts.path.strip("/") or settings.db)
    except (msgspec.ValidationError, ValueError) as error:
        raise DeclarationError(
            f"store {store!r}: its URL cannot be read: write redis://host:6379/0, with the number of the database, and"
            " options such as ?timeout=5, each of its type"
        ) from error
    _demand_fitting(store, kind, settings, hosts, database)
    if kind == "unix" and (parts.netloc.rpartition("@")[2] or not parts.path.strip("/")):
        raise DeclarationError(f"store {store!r}: a socket is named by redis+unix:///path/to/redis.sock")
    user = settings.username or (unquote(parts.username) if parts.username else None)
    password = settings.password or (unquote(parts.password) if parts.password else None)
    options = _common(settings) | {"db": database, "username": user, "password": password}
    pooling = Pooling(
        most=settings.connections,
        timeout=settings.timeout,
        acquire_timeout=settings.acquire_timeout,
        recycle=settings.recycle,
        idle_timeout=settings.idle_timeout,
        ping_after=settings.ping_after,
    )
    is_safe = scheme == "rediss"
    if kind == "cluster":
        driver = {"username": user, "password": password, "protocol": 2, "ssl": is_safe}
        driver |= _tls(settings) if is_safe else {}
        return ClusterServer(seam, _connector(settings, options, is_safe=is_safe), hosts[0], pooling, driver), True
    if kind == "unix":
        return SingleServer(
            seam, lambda: UnixDomainSocketConnection(path=unquote(parts.path), **options), pooling
        ), False
    if kind == "sentinel":
        sentinels = _sentinels(settings, hosts)
        safe_options = options | (_tls(settings) if is_safe else {})
        return SingleServer(seam, primary_connector(sentinels, safe_options, is_safe=is_safe), pooling), False
    return SingleServer(seam, _connector(settings, options, is_safe=is_safe)(*hosts[0]), pooling), False


def _scheme_of(store: str, text: str) -> tuple[str, str]:
    """The scheme of a URL without the kind of server, and that kind. Raises DeclarationError for what is none."""
    scheme, plus, kind = text.partition("+")
    if (
        scheme not in ("redis", "rediss")
        or (plus and kind not in _KINDS[1:])
        or (scheme == "rediss" and kind == "unix")
    ):
        raise DeclarationError(f"store {store!r}: {text} is no scheme of a Redis store")
    return scheme, kind


def _demand_fitting(store: str, kind: str, settings: Connecting, hosts: list[tuple[str, int]], database: int) -> None:
    """Raise DeclarationError for a database, a service or hosts that this kind of server does not have."""
    if kind == "cluster" and database:
        raise DeclarationError(f"store {store!r}: a cluster has database 0 only")
    if (kind == "sentinel") != (settings.service is not None):
        raise DeclarationError(f"store {store!r}: write redis+sentinel://host:26379/0?service=name, naming the service")
    if len(hosts) > 1 and kind != "sentinel":
        raise DeclarationError(f"store {store!r}: only sentinels are named by several hosts")


def _hosts(text: str, port: int) -> list[tuple[str, int]]:
    """The hosts with their ports. Raises ValueError for a port that is no number."""
    found = [urlsplit(f"//{host}") for host in text.split(",")]
    return [(unquote(each.hostname or "127.0.0.1"), each.port or port) for each in found]


def _common(settings: Connecting) -> dict[str, Value]:
    return {
        "socket_timeout": None,  # each call has a bound of its own
        "socket_connect_timeout": settings.connect_timeout,
        "socket_read_size": _READ_BYTES,
        "protocol": 2,
        "driver_info": None,
    }


def _tls(settings: Connecting) -> dict[str, Value]:
    return {
        "ssl_ca_certs": settings.ca_file,
        "ssl_certfile": settings.cert_file,
        "ssl_keyfile": settings.key_file,
    }


def _connector(settings: Connecting, options: dict[str, Value], *, is_safe: bool) -> Connector:
    if not is_safe:
        return lambda host, port: lambda: Connection(host=host, port=port, **options)
    tls = _tls(settings)
    return lambda host, port: lambda: SSLConnection(host=host, port=port, **options, **tls)


def _sentinels(settings: Connecting, hosts: list[tuple[str, int]]) -> Sentinels:
    """The sentinels at these hosts, which may have users of their own."""
    options = _common(settings) | {"username": settings.sentinel_username, "password": settings.sentinel_password}
    return Sentinels(hosts, settings.service or "", options, settings.connect_timeout)
