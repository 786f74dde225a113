"""The factory behind ``http://`` and ``https://``: options checked, declarations checked, nothing sent."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from holdall.errors import DeclarationError
from holdall.query import Json
from holdall.store import CommitClass, refuse_fragment
from holdall.stores.rest.auth import Auth, Credentials
from holdall.stores.rest.call import Call
from holdall.stores.rest.client import Client, checked_url
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.derive import derived
from holdall.stores.rest.document import Document
from holdall.stores.rest.limits import Rate, Retries, Timeouts
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
    openapi: Mapping[str, Json] | str | Path | None = None,
    auth: Auth | None = None,
    commit: str = "once",
    timeouts: Timeouts = Timeouts(),  # noqa: B008, it is frozen
    retries: Retries = Retries(),  # noqa: B008
    rate: Rate | None = None,
    max_connections: int = 100,
    max_answer_bytes: int = _MOST_ANSWER_BYTES,
    headers: Mapping[str, str] | None = None,
    ca: str | Path | ssl.SSLContext | None = None,
    keep_alive: float = 15.0,
) -> RestStore:
    """Open a store of the API at this URL, below which the paths of its ``collections`` lie; nothing is sent.

    With ``openapi``, a document as a dictionary or a file of JSON or YAML, a collection may be declared by its path in
    it; without ``collections`` all are taken that the document describes well enough, named after the end of their
    path.

    ``commit="idemp"`` promises that every write may be sent twice and counts once; ``rate`` bounds calls in time,
    ``max_connections`` those under way at once. Certificates are always verified: ``ca`` is a file of authorities, or
    an SSLContext that verifies. ``keep_alive`` is how many seconds an idle connection is kept; keep it below the
    server's own. Raises DeclarationError for what cannot work.

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
    declared, obstacles = _declared(name, collections, openapi)
    if commit not in ("once", "idemp"):
        raise DeclarationError(f'store {name!r}: a REST store commits "once" or "idemp", not {commit!r}')
    if commit == "idemp":
        _demand_idempotence(name, declared)
    if max_connections < 1 or max_answer_bytes < 1 or (rate is not None and (rate.calls < 1 or rate.seconds <= 0)):
        raise DeclarationError(f"store {name!r}: bounds are positive numbers")
    refuse_fragment(url)
    settings = Settings(
        url=checked_url(name, url),
        headers=dict(headers or {}),
        timeouts=timeouts,
        retries=retries,
        rate=rate,
        tls=_context(name, ca),
        max_connections=max_connections,
        max_answer_bytes=max_answer_bytes,
        keep_alive=keep_alive,
    )
    client = Client(name, settings, Credentials(name, auth))
    return RestStore(
        name, client, declared, commit=CommitClass(commit), concurrent_changes=max_connections, obstacles=obstacles
    )


def _declared(
    name: str,
    collections: Mapping[str, RestCollection | str] | None,
    openapi: Mapping[str, Json] | str | Path | None,
) -> tuple[dict[str, RestCollection], dict[str, str]]:
    """The declarations by name, and for what the document leaves open what is to be said."""
    document = None if openapi is None else Document(openapi)
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
