"""Pauses before work is tried again, drawn at random: those who were in each other's way would meet again otherwise.

Source: AWS Architecture Blog, Exponential Backoff and Jitter (2015), whose full and equal jitter these are.
"""

from __future__ import annotations

import random

__all__ = ["pause_before", "spread"]

_MOST_DOUBLINGS = 60  # past any bound of seconds, and far from what a float cannot hold


def pause_before(retry: int, first: float, longest: float) -> float:
    """Draw the seconds to wait before a retry, counted from 0: up to ``first``, doubled with each, and to ``longest``.

    >>> 0.0 <= pause_before(3, first=0.01, longest=1.0) <= 0.08
    True
    >>> pause_before(5_000, first=0.01, longest=1.0) <= 1.0
    True
    """
    return spread(min(first * 2.0 ** min(retry, _MOST_DOUBLINGS), longest), least=0.0)


def spread(longest: float, least: float = 0.5) -> float:
    """Draw a pause of at most ``longest`` seconds, and of the part ``least`` of these at least.

    >>> 2.0 <= spread(4.0) <= 4.0
    True
    """
    return random.uniform(longest * least, longest)  # noqa: S311 - a pause is no secret
