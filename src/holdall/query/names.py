"""Words about names that are not known: what was probably meant, or what there is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]

_MOST = 12  # names that are listed


def did_you_mean(name: object, known: Iterable[str], most: int = _MOST) -> str:
    """Return the end of a sentence about an unknown name; no more than ``most`` of the known ones are listed.

    >>> did_you_mean("titel", ["id", "title"])
    '; did you mean title?'
    >>> did_you_mean("x", ["id", "title"])
    '; there are id, title'
    """
    names = list(known)
    near = get_close_matches(str(name), names, 1)
    if near:
        return f"; did you mean {near[0]}?"
    if not names:
        return ""
    return f"; there are {', '.join(names[:most])}{' and others' if len(names) > most else ''}"
