"""Secrets: passwords hashed by argon2id, tokens by SHA-256, as they are long and random."""

from __future__ import annotations

import asyncio
import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from holdall.errors import FieldError, ValidationError

__all__ = ["Passwords", "hash_of", "new_token"]

_LONGEST = 1_024  # characters of a password


class Passwords:
    """Hashes passwords by argon2id (RFC 9106), and compares them in a time that says nothing."""

    def __init__(self, shortest: int, hasher: PasswordHasher | None = None) -> None:
        self._shortest = shortest
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))
        self._at_once = asyncio.Semaphore(4)  # each takes 64 MiB

    async def hashed(self, password: str) -> str:
        """The hash of a new password. Raises ValidationError for one that is too short or too long."""
        if not self._shortest <= len(password) <= _LONGEST:
            told = f"must have {self._shortest} to {_LONGEST} characters"
            raise ValidationError("Account", [FieldError("password", "length", told)])
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str, password: str) -> bool:
        """Whether it is the password; without a kept hash the same work is done."""
        async with self._at_once:
            return await asyncio.to_thread(self._fits, kept, password[:_LONGEST])

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    def _fits(self, kept: str, password: str) -> bool:
        try:
            self._hasher.verify(kept or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)


def new_token() -> str:
    """A token that nobody guesses: 256 bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """The hash by which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
