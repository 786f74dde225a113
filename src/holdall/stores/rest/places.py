r"""Places in JSON, dotted: ``meta.total``; a backslash stands before a dot that is part of a name."""

from __future__ import annotations

import re

__all__ = ["place_of", "steps"]

_DOT = re.compile(r"(?<!\\)\.")


def steps(place: str) -> tuple[str, ...]:
    """The names on the way to this place; none for the whole."""
    return tuple([name.replace("\\.", ".") for name in _DOT.split(place)]) if place else ()


def place_of(*names: str) -> str:
    """The place to which these names lead."""
    return ".".join(name.replace(".", "\\.") for name in names)
