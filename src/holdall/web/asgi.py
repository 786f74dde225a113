"""The words of ASGI (https://asgi.readthedocs.io), for type checkers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

__all__ = [
    "Application",
    "Header",
    "Headers",
    "Message",
    "Receive",
    "Scope",
    "Send",
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


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of the first header of this name, which is in small letters; None if there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value  # type: ignore[no-any-return]
    return None


def header_list(scope: Scope, name: bytes) -> bytes | None:
    """The list that all headers of this name make together (RFC 9110, section 5.3); None if there is none."""
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else b"%b, %b" % (found, value)
    return found


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
