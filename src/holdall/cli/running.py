"""Work over an application: in a loop of its own, with its stores closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from holdall.app import Holdall

__all__ = ["run_in"]

T = TypeVar("T")


def run_in(app: Holdall, work: Coroutine[object, object, T]) -> T:
    """Run this to its end, close the stores of the application, and return what the work gives."""

    async def run() -> T:
        try:
            return await work
        finally:
            await app.close()

    return asyncio.run(run())
