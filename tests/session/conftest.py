"""Closes the libraries a test opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from .library import OPEN


@pytest.fixture(autouse=True)
def closed_libraries() -> Iterator[None]:
    yield

    async def close() -> None:
        while OPEN:
            await OPEN.pop().close()

    asyncio.run(close())
