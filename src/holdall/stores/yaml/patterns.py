"""Patterns with groups that are repeated and never given back: less memory, and no time lost where they fail.

Python before 3.11.5 loses its place after such a group. There the group is repeated in the usual way, so a pattern must
mean the same with and without.
"""

from __future__ import annotations

import re

__all__ = ["compiled"]

_POSSESSIVE = re.compile(r"\)([*?])\+")
_IS_SOUND = re.match(r"(?:ab++)*+ac", "abac") is not None


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern whose groups end with ``*+`` or ``?+``."""
    return re.compile(pattern if _IS_SOUND else _POSSESSIVE.sub(r")\1", pattern))
