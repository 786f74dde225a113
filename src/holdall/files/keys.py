"""Keys of contents: made here, of random bits or of the content; never by anybody who sends a request."""

from __future__ import annotations

import os
import re

from holdall.errors import FileMissing

__all__ = ["demand_key", "new_key"]

_KEY = re.compile(r"[0-9a-f]{40,64}")


def new_key() -> str:
    """Make a key of 160 random bits: nobody guesses it, and no two are alike.

    >>> len(new_key())
    40
    """
    return os.urandom(20).hex()


def demand_key(store: str, key: str) -> str:
    """Return a key that a store may have made. Raises FileMissing for any other text, which names nothing."""
    if _KEY.fullmatch(key) is None:
        raise FileMissing(store)
    return key
