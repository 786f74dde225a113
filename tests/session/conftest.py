"""Closes the libraries a test opened."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.library import OPEN


@pytest.fixture(autouse=True)
async def closed_libraries(anyio_backend: str) -> AsyncIterator[None]:
    yield
    while OPEN:
        await OPEN.pop().close()
