"""How many examples a test draws: few in each run of all tests, as many as ever in ``make explore``."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["draws"]


def draws(few: int, many: int) -> int:
    """``many`` where ``make explore`` draws others each time; ``few`` where each run draws the same."""
    return many if settings.get_current_profile_name() == "explore" else few
