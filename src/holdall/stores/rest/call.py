"""One HTTP call as it is declared: method, path, query, headers, payload; and paths with places to fill in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from holdall.errors import DeclarationError, StoreError
from holdall.query import Value

__all__ = ["KEY", "Call", "PathTemplate", "text_of"]

KEY = "key"
"""The name that stands in a path for the whole key, its parts with commas between them."""

_ELSEWHERE = ("", ".", "..")  # segments that make of a path that of a list, or of something above
_PLACE = re.compile(r"\{(\w+)\}")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """How one verb is called where it is not the usual way.

    ``path`` may hold fields in braces; ``parameters`` gives other names in braces their values. ``query`` and
    ``headers`` are sent as they are. ``payload`` turns the body, a dictionary, into what the API wants.
    ``idempotency_key`` names the header by which the API counts a repeated call once. ``is_repeatable`` says that the
    call may be sent twice without harm; PUT and DELETE, and calls with an idempotency key, are anyway.

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", update=Call(method="PUT", idempotency_key="Idempotency-Key")).update.method
    'PUT'
    """

    method: str = ""
    path: str = ""
    parameters: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"
    payload: Callable[[dict[str, Value]], Any] | None = None
    idempotency_key: str = ""
    is_repeatable: bool = False


class PathTemplate:
    """A path with fields in braces, and the way back from a path to their texts."""

    def __init__(self, path: str, parameters: Mapping[str, str]) -> None:
        if not path.startswith("/") or "?" in path or "#" in path:
            raise DeclarationError(f"{path!r} is no path: it begins with / and holds neither ? nor #")
        parts = _PLACE.split(path)
        self._texts = parts[::2]
        self.names = tuple(parts[1::2])
        self._fixed = {name: _segment(path, value) for name, value in parameters.items()}
        self._is_plain = not self.names
        self._filled = [number for number, segment in enumerate(path.split("/")) if _PLACE.search(segment)]
        texts = [self._texts[0].lstrip("/"), *self._texts[1:]]
        texts[-1] = texts[-1].rstrip("/") if self.names else texts[-1]
        self._pattern = re.compile("(?:^|/)" + "([^/?#]*)".join(map(re.escape, texts)))
        self._path = path

    @property
    def open_names(self) -> tuple[str, ...]:
        """The names in braces that no parameter fills."""
        return tuple(name for name in self.names if name not in self._fixed)

    def fill(self, store: str, values: Mapping[str, Value]) -> str:
        """The path, percent-encoded. Raises StoreError for a value that cannot stand in one."""
        if self._is_plain:
            return self._texts[0]
        pieces = [self._texts[0]]
        for name, text in zip(self.names, self._texts[1:], strict=True):
            segment = self._fixed.get(name)
            if segment is None:
                value = values.get(name)
                if value is None:
                    raise StoreError(store, f"{name} has no value for the path {self._path}")
                segment = _joined(value)
            pieces += (segment, text)
        path = "".join(pieces)
        segments = path.split("/")
        for number in self._filled:
            if segments[number] in _ELSEWHERE:
                raise StoreError(
                    store, f"an empty or dotted key cannot stand in the path {self._path}: it leads elsewhere"
                )
        return path

    def read(self, path: str) -> dict[str, str] | None:
        """The undecoded text of each name in a path that ends as this one does; None for another path."""
        path = path.rstrip("/")
        match = self._pattern.search(path)
        if match is None or match.end() != len(path):
            return None
        return dict(zip(self.names, match.groups(), strict=True))


def text_of(value: object) -> str:
    """A border value as text: what JSON would say of it, without quotes."""
    if isinstance(value, str):
        return value
    shown = msgspec.to_builtins(value)
    return shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()


def _joined(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(_flat(value))
    return quote(text_of(value), safe="")


def _flat(value: Sequence[Value]) -> list[str]:
    return [text for part in value for text in (_flat(part) if isinstance(part, tuple) else [_joined(part)])]


def _segment(path: str, value: str) -> str:
    if value in _ELSEWHERE:
        raise DeclarationError(f"{value!r} cannot stand in the path {path}")
    return quote(value, safe="")
