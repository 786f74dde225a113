"""Where a login may lead: paths of this service, and addresses that a program names; nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from holdall.errors import DeclarationError

__all__ = ["Targets"]

_LONGEST = 2_000  # characters
_PLAIN = re.compile(
    r"[!-\[\]-~]+"
)  # printable ASCII without a space and the backslash, which browsers take for a slash


class Targets:
    """Says which targets are allowed: those below a path, as ``/app``, or below an address, as ``https://x.example/``.

    >>> targets = Targets(["/app"])
    >>> [targets.allows(each) for each in ("/app", "/app/a?b=1", "/apples", "//evil.example", "/app/../admin")]
    [True, True, False, False, False]
    """

    def __init__(self, allowed: Collection[str]) -> None:
        if isinstance(allowed, str) or not allowed:
            raise DeclarationError("targets= is a list of paths and addresses, such as ['/']")
        self._allowed = [_parts(each) for each in allowed]
        for text, parts in zip(allowed, self._allowed, strict=True):
            if parts is None:
                raise DeclarationError(f"targets= names paths from / and addresses by https://, not {text!r}")
        self.first = next(iter(allowed))

    def allows(self, target: str) -> bool:
        """Whether a login may lead there."""
        parts = _parts(target)
        return parts is not None and any(each is not None and _is_below(parts, each) for each in self._allowed)


def _parts(target: str) -> tuple[str, str] | None:
    """The origin, empty for a path, and the path; None where browsers might read it otherwise than we do."""
    if len(target) > _LONGEST or not _PLAIN.fullmatch(target):
        return None
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return None
    path = unquote(parts.path)
    is_clear = "\\" not in path and "//" not in path and path.isprintable()
    if not is_clear or any(step in (".", "..") for step in unquote(path).split("/")):
        return None
    if not parts.scheme and not parts.netloc:
        return ("", path) if target.startswith("/") and not target.startswith("//") else None
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}", path or "/"


def _is_below(parts: tuple[str, str], allowed: tuple[str, str]) -> bool:
    (origin, path), (allowed_origin, allowed_path) = parts, allowed
    below = allowed_path.rstrip("/")
    return origin == allowed_origin and (path == allowed_path or path.startswith(f"{below}/"))
