"""Hashes of passwords that take a moment only, for tests that are not about how long they take."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from holdall.users.secrets import Passwords

__all__ = ["quick_hashes"]


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take a moment only, wherever this is imported."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    real = Passwords.__init__
    monkeypatch.setattr(Passwords, "__init__", lambda self, shortest, hasher=None: real(self, shortest, quick))
