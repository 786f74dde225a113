"""The factory behind ``http://`` and ``https://``: options checked, declarations checked, nothing sent."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from holdall.errors import DeclarationError
from holdall.store import CommitClass, PoolOptions, refuse_fragment
from holdall.stores.rest.auth import Auth, Credentials
from holdall.stores.rest.call import Call
from holdall.stores.rest.client import Client, checked_url
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.derive import derived
from holdall.stores.rest.document import Document
from holdall.stores.rest.header_text import header_fault
from holdall.stores.rest.limits import Rate, Retries
from holdall.stores.rest.proxy import proxy_for
from holdall.stores.rest.request import Settings
from holdall.stores.rest.store import RestStore

__all__ = ["open_rest"]

_MOST_ANSWER_BYTES = 10 * 2**20
_REPEATABLE = ("PUT", "DELETE")


def open_rest(
    name: str,
    url: str,
    *,
    collections: Mapping[str, RestCollection | str] | None = None,
    openapi: Mapping[str, object] | str | Path | None = None,
    auth: Auth | None = None,
    commit: str = "once",
    retries: Retries = Retries(),  # noqa: B008, it is frozen
    rate: Rate | None = None,
    connections: int = 100,
    acquire_timeout: float = 60.0,
    connect_timeout: float = 5.0,
    read_timeout: float | None = None,
    timeout: float = 60.0,
    idle_timeout: float = 15.0,
    max_answer_bytes: int = _MOST_ANSWER_BYTES,
    headers: Mapping[str, str] | None = None,
    ca: str | Path | ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> RestStore:
    """Open a store of the API at this URL, below which the paths of its ``collections`` lie; nothing is sent.

    With ``openapi``, a document as a dictionary or a file of JSON or YAML, a collection may be declared by its path in
    it; without ``collections`` all are taken that the document describes well enough, named after the end of their
    path.

    ``commit="idemp"`` promises that every write may be sent twice and counts once; ``rate`` bounds calls in time,
    ``connections`` those under way at once. ``acquire_timeout`` seconds bound the wait for one's turn,
    ``connect_timeout`` the making of a connection, ``read_timeout`` the wait for the next bytes of an answer, and
    ``timeout`` a call with all its retries. ``idle_timeout`` is how many seconds an idle connection is kept; keep it
    below the server's own. Certificates are always verified: ``ca`` is a file of authorities, or an SSLContext that
    verifies. ``proxy`` is the URL of a proxy, or "environment" for the one that ``HTTP_PROXY`` and the like name.
    Raises DeclarationError for what cannot work.

    >>> from holdall.stores.rest import Bearer, PageSize, Rate, RestCollection
    >>> store = open_rest(
    ...     "partner",
    ...     "https://api.example/v1",
    ...     auth=Bearer("secret"),
    ...     rate=Rate(10),
    ...     collections={"book": RestCollection(path="/books/{id}", paging=PageSize())},
    ... )
    >>> store.name
    'partner'
    """
    document = None if openapi is None else Document(openapi)
    declared, obstacles = _declared(name, collections, document)
    if commit not in ("once", "idemp"):
        raise DeclarationError(f'store {name!r}: a REST store commits "once" or "idemp", not {commit!r}')
    if commit == "idemp":
        _demand_idempotence(name, declared)
    if max_answer_bytes < 1 or (rate is not None and (rate.calls < 1 or rate.seconds <= 0)):
        raise DeclarationError(f"store {name!r}: bounds are positive numbers")
    if fault := header_fault((headers or {}).items()):
        raise DeclarationError(f"store {name!r}: {fault}")
    refuse_fragment(url)
    pooling = PoolOptions(
        connections=connections, acquire_timeout=acquire_timeout, connect_timeout=connect_timeout, timeout=timeout
    )
    if idle_timeout <= 0 or (read_timeout is not None and read_timeout <= 0):
        raise DeclarationError(f"store {name!r}: idle_timeout and read_timeout are numbers of seconds above zero")
    settings = Settings(
        url=checked_url(name, url),
        headers=dict(headers or {}),
        pooling=pooling,
        read_timeout=read_timeout,
        idle_timeout=idle_timeout,
        retries=retries,
        rate=rate,
        tls=_context(name, ca),
        max_answer_bytes=max_answer_bytes,
        proxy=proxy_for(name, url, proxy),
    )
    client = Client(name, settings, Credentials(name, auth))
    return RestStore(
        name,
        client,
        declared,
        commit=CommitClass(commit),
        concurrent_changes=connections,
        obstacles=obstacles,
        document=document,
    )


def _declared(
    name: str,
    collections: Mapping[str, RestCollection | str] | None,
    document: Document | None,
) -> tuple[dict[str, RestCollection], dict[str, str]]:
    """The declarations by name, and for what the document leaves open what is to be said."""
    declared: dict[str, RestCollection] = {}
    obstacles: dict[str, str] = {}
    for key, item in (collections or {}).items():
        if isinstance(item, str) and document is not None:
            declared[key] = derived(document, item)
        elif isinstance(item, RestCollection):
            declared[key] = item
        else:
            wanted = "a RestCollection" if document is None else "a RestCollection or a path of the document"
            raise DeclarationError(f"store {name!r}: {key} is declared by {wanted}, not {type(item).__name__}")
    if document is not None and collections is None:
        for path in document.resources():
            key = document.list_path(path).rstrip("/").rpartition("/")[2]
            try:
                declared[key] = derived(document, path)
            except DeclarationError as error:
                obstacles[key] = str(error)
    return declared, obstacles


def _context(name: str, ca: str | Path | ssl.SSLContext | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    if isinstance(ca, ssl.SSLContext):
        if ca.verify_mode != ssl.CERT_REQUIRED or not ca.check_hostname:
            raise DeclarationError(f"store {name!r}: its SSLContext must verify certificates and host names")
        return ca
    try:
        return ssl.create_default_context(cafile=str(ca))
    except OSError as error:
        raise DeclarationError(f"store {name!r}: {ca} is no readable file of certificates") from error


def _demand_idempotence(name: str, collections: Mapping[str, RestCollection]) -> None:
    """Raise DeclarationError for the first write that could count twice, or be refused for having been done."""
    for key, item in collections.items():
        for verb, usual in (("add", "POST"), ("update", "PATCH"), ("remove", "DELETE")):
            call: Call | None = getattr(item, verb)
            if call is None or call.idempotency_key:
                continue
            if item.version is not None and verb == "update":
                reason = "a repeated update would no longer find the version it expects"
            elif (call.method.upper() or usual) in _REPEATABLE or call.is_repeatable:
                continue
            else:
                reason = f"a repeated {call.method.upper() or usual} would count twice"
            raise DeclarationError(
                f"store {name!r} cannot be of class idemp: {reason}; declare"
                f" {key}.{verb}=Call(idempotency_key=…), use PUT, or leave commit out"
            )
