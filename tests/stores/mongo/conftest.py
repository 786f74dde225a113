"""What pymongo leaves behind."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def left_sockets() -> Iterator[None]:
    """For tests that close a store while its connections are being made anew.

    pymongo leaves such a socket to the garbage collector, which would complain in some later test.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
