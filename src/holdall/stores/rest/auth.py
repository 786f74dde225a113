"""How a store says who it is: basic, bearer, a key of the API's own, or whatever a function gives."""

from __future__ import annotations

import asyncio
import inspect
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from holdall.errors import DeclarationError, StoreError
from holdall.store import keep_for_ever
from holdall.stores.rest.header_text import header_fault

__all__ = ["ApiKey", "Auth", "Basic", "Bearer", "Credentials", "Custom"]


class _Secret(msgspec.Struct, frozen=True):
    """Shows no value when it is printed."""

    def __rich_repr__(self) -> Any:
        return iter(())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Basic(_Secret, frozen=True):
    """A user's name and password (RFC 7617).

    >>> Basic("jane", "secret")
    Basic(***)
    """

    user: str
    password: str


class Bearer(_Secret, frozen=True):
    """A token (RFC 6750). Example: :func:`open_rest`."""

    token: str


class ApiKey(_Secret, frozen=True):
    """A key under a name of the API's own, in a header or among the query's parameters.

    >>> ApiKey("secret", name="key", place="query").place
    'query'
    """

    key: str
    name: str = "X-API-Key"
    place: Literal["header", "query"] = "header"


class Custom(_Secret, frozen=True):
    """A function that gives the headers, plain or async.

    The function is called before the first call, and once more for a call that was answered with 401; its headers are
    then used until the next 401.

    >>> Custom(lambda: {"Authorization": "Token secret"}).headers()
    {'Authorization': 'Token secret'}
    """

    headers: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]]


Auth: TypeAlias = Basic | Bearer | ApiKey | Custom


class Credentials:
    """The headers and query parameters that go with every call; ``generation`` counts how often they were renewed."""

    def __init__(self, store: str, auth: Auth | None) -> None:
        self._store = store
        self._auth = auth
        self._renewing: asyncio.Task[Mapping[str, str]] | None = None
        self.generation = 0
        self.headers: Mapping[str, str] = {}
        self.query: Mapping[str, str] = {}
        match auth:
            case None | Custom():
                pass
            case Basic(user, password):
                if ":" in user:
                    raise DeclarationError(f"store {store!r}: a user's name cannot hold a colon (RFC 7617)")
                self.headers = {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
            case Bearer(token):
                self.headers = {"Authorization": f"Bearer {token}"}
            case ApiKey(key, name, place):
                if place == "header":
                    self.headers = {name: key}
                else:
                    self.query = {name: key}
            case _:
                raise DeclarationError(f"store {store!r}: auth is Basic, Bearer, ApiKey or Custom")
        if fault := header_fault(self.headers.items()):
            raise DeclarationError(f"store {store!r}: {fault}")

    @property
    def is_missing(self) -> bool:
        """Whether the function has not been asked yet."""
        return self.generation == 0 and isinstance(self._auth, Custom)

    @property
    def is_renewable(self) -> bool:
        """Whether asking the function again may help."""
        return isinstance(self._auth, Custom)

    async def renew(self, generation: int) -> None:
        """Ask the function, unless somebody else has since ``generation``; who asks meanwhile gets the same answer."""
        if self.generation != generation:
            return
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.ensure_future(self._ask())
        headers = await asyncio.shield(self._renewing)
        if self.generation == generation:
            self.headers = headers
            self.generation += 1

    def forget_renewal(self) -> None:
        """Wait no more for an answer that is under way: in a process that was forked it never comes."""
        if self._renewing is not None:
            keep_for_ever(self._renewing)
            self._renewing = None

    async def _ask(self) -> Mapping[str, str]:
        assert isinstance(self._auth, Custom)
        try:
            given = self._auth.headers()
            headers = await given if inspect.isawaitable(given) else given
        except Exception as error:
            raise StoreError(self._store, f"its auth function failed with {type(error).__name__}") from error
        if not isinstance(headers, Mapping):
            raise StoreError(self._store, "its auth function must give a mapping of headers")
        if fault := header_fault(headers.items()):
            raise StoreError(self._store, f"its auth function gave what cannot be sent: {fault}")
        return dict(headers)
