"""One of several server processes: finds the application again, by what its parent left in the environment."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from holdall.cli.failure import Failure
from holdall.cli.fitting import prepare
from holdall.cli.target import Target

__all__ = ["FACTORY", "environment", "service"]

FACTORY = "holdall.cli.worker:service"

_TARGET = "HOLDALL_TARGET"
_CREATE = "HOLDALL_CREATE"
_SECRET = "HOLDALL_SECRET"  # noqa: S105 - the variable's name


@contextmanager
def environment(target: str, *, create: bool = False) -> Iterator[None]:
    """Set the environment of the processes started within: the target, and one secret, so that each reads the others'
    cursors. With ``create``, each makes what is missing before it serves: its models may be newer than its parent's.
    """
    given = {_TARGET: target, _CREATE: "1" if create else "", _SECRET: os.environ.get(_SECRET) or secrets.token_hex(32)}
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
        if os.environ.get(_CREATE):
            # The loop of the server runs already in this thread.
            with ThreadPoolExecutor(1) as apart:
                apart.submit(prepare, target, create=True, is_served=True).result()
        return target.service(secret=os.environ[_SECRET].encode())
    except Failure as failure:
        print(f"holdall: {failure}", file=sys.stderr)
        sys.exit(failure.code)
