"""Users, noted with the work that is done for them later: whatever is known of them comes back as it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from holdall.errors import StateError
from holdall.policy import User
from holdall.query import Json, Value

__all__ = ["is_kept", "kept_user", "user_of"]

_READ: dict[str, Callable[[Value], Value]] = {
    "tuple": lambda items: tuple(map(_read, items)),
    "list": lambda items: list(map(_read, items)),
    "set": lambda items: set(map(_read, items)),
    "frozenset": lambda items: frozenset(map(_read, items)),
    "dict": lambda items: {_read(name): _read(value) for name, value in items},
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
    "bytes": bytes.fromhex,
}


def kept_user(user: User) -> dict[str, Json]:
    """Return a user as JSON. Raises StateError for an id or attributes of types that no JSON is made of.

    >>> ann = User("ann", frozenset({"editor"}), attributes={"teams": frozenset({3})})
    >>> user_of(kept_user(ann)) == ann
    True
    """
    return {
        "id": _kept(user.id),
        "roles": [*sorted(user.roles)],
        "unrestricted": user.unrestricted,
        "login": user.login,
        "attributes": [[name, _kept(value)] for name, value in sorted(user.attributes.items())],
    }


def user_of(kept: dict[str, Value]) -> User:
    """Return the user that was kept. Example: :func:`kept_user`."""
    attributes = {name: _read(value) for name, value in kept["attributes"]}
    return User(_read(kept["id"]), frozenset(kept["roles"]), kept["unrestricted"], kept["login"], attributes)


def is_kept(user: User, kept: dict[str, Value]) -> bool:
    """Whether a user is the one that was kept, whatever roles he has now. Example: :func:`kept_user`."""
    return bool(kept["id"] == _kept(user.id) and kept["unrestricted"] == user.unrestricted)


def _kept(value: Value) -> Json:
    if value is None or type(value) in (bool, int, float, str):
        plain: Json = value
        return plain
    kind = type(value).__name__
    if isinstance(value, dict):
        return {"dict": [[_kept(name), _kept(each)] for name, each in value.items()]}
    if type(value) in (tuple, list, set, frozenset):
        return {kind: [_kept(each) for each in value]}
    if type(value) in (dt.datetime, dt.date):
        return {kind: value.isoformat()}
    if isinstance(value, Decimal | UUID):
        return {kind: str(value)}
    if isinstance(value, bytes):
        return {kind: value.hex()}
    raise StateError(f"this user cannot be noted with a job: a {kind} is known of him, which no JSON is made of")


def _read(kept: Value) -> Value:
    if not isinstance(kept, dict):
        return kept
    ((kind, value),) = kept.items()
    return _READ[kind](value)
