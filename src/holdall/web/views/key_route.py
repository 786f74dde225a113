"""Routes of views, matched by paths as they were written: an encoded slash inside a key parts nothing."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import Match

from holdall.web.asgi import Scope

__all__ = ["KeyRoute", "segment_of"]

_SLASH = "\udc2f"  # stands for a slash inside a segment: no path that is decoded has it


class KeyRoute(APIRoute):
    """A route whose parameters may have slashes inside, where the request has them percent-encoded."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is meant, and the parameters in its path."""
        path = _in_segments(scope)
        if path is None:
            return super().matches(scope)
        match, found = super().matches({**scope, "path": path})
        if "path_params" in found:
            found["path_params"] = {name: _whole(value) for name, value in found["path_params"].items()}
        return match, found


def segment_of(scope: Scope, text: str) -> str:
    """The segment of a request's path, as it was written, that was decoded to this text; the text where there is none.

    >>> segment_of({"path": "/lines/7,2", "raw_path": b"/lines/7%2C2"}, "7,2")
    '7%2C2'
    """
    written: str = (scope.get("raw_path") or b"").decode("latin-1")
    return next((each for each in written.split("/") if unquote(each) == text), text) if "%" in written else text


def _in_segments(scope: Scope) -> str | None:
    """The decoded path with a mark for each slash inside a segment; None where there is none."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" not in raw.lower():
        return None
    path = "/".join(unquote(each).replace("/", _SLASH) for each in raw.decode("latin-1").split("/"))
    return path if path.replace(_SLASH, "/") == scope["path"] else None


def _whole(value: object) -> object:
    return value.replace(_SLASH, "/") if isinstance(value, str) else value
