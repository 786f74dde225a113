"""What tests of the back office share: hashes of passwords that take a moment only."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from holdall.users.secrets import Passwords


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take a moment only."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    real = Passwords.__init__
    monkeypatch.setattr(Passwords, "__init__", lambda self, shortest, hasher=None: real(self, shortest, quick))
