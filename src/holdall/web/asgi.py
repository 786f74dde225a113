"""The words of ASGI (https://asgi.readthedocs.io), for type checkers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias
from urllib.parse import quote

__all__ = [
    "NAME",
    "Application",
    "Header",
    "Headers",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "address_of",
    "address_of_root",
    "header",
    "header_list",
    "path_below",
    "root_of",
]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = Sequence[Header]

NAME = itemgetter(0)
"""Give the name of a header. Mapped over all headers, it finds an absent name without a step of Python for each."""

_IN_PATHS = "/:@!$&'()*+,;="


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of the first header of this name, which is in small letters; None if there is none."""
    given = scope["headers"]
    names = [*map(NAME, given)]
    if name not in names:
        return None
    value: bytes = given[names.index(name)][1]
    return value


def header_list(scope: Scope, name: bytes) -> bytes | None:
    """The list that all headers of this name make together (RFC 9110, section 5.3); None if there is none."""
    given = scope["headers"]
    names = [*map(NAME, given)]
    if name not in names:
        return None
    if names.count(name) > 1:
        return b", ".join([value for key, value in given if key == name])
    value: bytes = given[names.index(name)][1]
    return value


def address_of_root(scope: Scope) -> str:
    """The path that the application is mounted at as it stands in addresses, percent-encoded (RFC 3986, section 3.3).

    >>> address_of_root({"root_path": "/the sky/of/"})
    '/the%20sky/of'
    """
    root = root_of(scope)
    return quote(root, safe=_IN_PATHS) if root else root


def address_of(scope: Scope) -> str:
    """The address of a request, without its parameters.

    >>> address_of({"root_path": "/sky", "path": "/sky/stars/a b"})
    '/sky/stars/a%20b'
    """
    return address_of_root(scope) + quote(path_below(scope), safe=_IN_PATHS)


def root_of(scope: Scope) -> str:
    """The path that the application is mounted at, without a slash at its end."""
    root: str = scope.get("root_path", "")
    return root.rstrip("/")


def path_below(scope: Scope) -> str:
    """The path below that; servers give paths with it in front, as the standard has it, or leave it out."""
    path: str = scope["path"]
    if not scope.get("root_path"):
        return path
    root = root_of(scope)
    return path[len(root) :] if path == root or path.startswith(f"{root}/") else path
