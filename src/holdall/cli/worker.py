"""One of several server processes: finds the application again, by what its parent left in the environment."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from holdall.cli.failure import Failure
from holdall.cli.fitting import prepare
from holdall.cli.target import Target
from holdall.cli.waiting import Waiting

__all__ = ["FACTORY", "environment", "service"]

FACTORY = "holdall.cli.worker:service"

_TARGET = "HOLDALL_TARGET"
_CREATE = "HOLDALL_CREATE"
_RELOADS = "HOLDALL_RELOADS"
_SECRET = "HOLDALL_SECRET"  # noqa: S105 - the variable's name

_SECONDS = 1.0  # between two looks whether what is stored fits


@contextmanager
def environment(target: str, *, reloads: bool = False, create: bool = False) -> Iterator[None]:
    """Set the environment of the processes started within: the target, and one secret, so that each reads the others'
    cursors. With ``reloads``, the models of a process may be newer than those of its parent: it serves as soon as what
    is stored fits them, with ``create`` after making what is missing.
    """
    given = {
        _TARGET: target,
        _RELOADS: "1" if reloads else "",
        _CREATE: "1" if create else "",
        _SECRET: os.environ.get(_SECRET) or secrets.token_hex(32),
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def service() -> Any:
    """The service, in a process whose parent set ``environment``; a failure is printed, and ends the process."""
    try:
        target = Target(os.environ[_TARGET])
        made = target.service(secret=os.environ[_SECRET].encode())
    except Failure as failure:
        print(f"holdall: {failure}", file=sys.stderr)
        sys.exit(failure.code)
    if not os.environ.get(_RELOADS):
        return made
    return Waiting(made, partial(prepare, target, create=bool(os.environ.get(_CREATE)), is_served=True), _SECONDS)
