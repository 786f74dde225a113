"""One of several server processes: finds the application again, by what its parent left in the environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdall.cli.target import Target

__all__ = ["FACTORY", "environment", "service"]

FACTORY = "holdall.cli.worker:service"

_TARGET = "HOLDALL_TARGET"
_SECRET = "HOLDALL_SECRET"  # noqa: S105 - the variable's name


@contextmanager
def environment(target: str) -> Iterator[None]:
    """Set the environment of the processes started within: the target, and one secret, so that each reads the others'
    cursors.
    """
    given = {_TARGET: target, _SECRET: os.environ.get(_SECRET) or secrets.token_hex(32)}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def service() -> Any:
    """The service, in a process whose parent set ``environment``."""
    return Target(os.environ[_TARGET]).service(secret=os.environ[_SECRET].encode())
