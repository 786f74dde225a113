"""Work over an application: in a loop of its own, with its stores closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from holdall.app import Holdall
from holdall.cli.failure import Failure
from holdall.cli.target import Target
from holdall.errors import HoldallError

__all__ = ["run_in", "run_on"]

T = TypeVar("T")


def run_in(app: Holdall, work: Coroutine[object, object, T]) -> T:
    """Run this to its end, close the stores of the application, and return what the work gives."""

    async def run() -> T:
        try:
            return await work
        finally:
            await app.close()

    return asyncio.run(run())


def run_on(target: str, act: Callable[[Holdall], Awaitable[T]]) -> T:
    """Run this over the application that a target names. Raises Failure where it refuses."""
    app = Target(target).app

    async def work() -> T:
        return await act(app)

    try:
        return run_in(app, work())
    except HoldallError as error:
        raise Failure(str(error)) from error
