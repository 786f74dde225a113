"""``make conform STORE=<url>``: the shipped suite against a store of your choice, on a place that holds nothing yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from holdall.store import Store, open_store
from holdall.testing.conformance import StoreConformance
from tests.servers.scratch import scratch_database

_URL = os.environ.get("STORE", "memory:")
_SERVERS = {"postgresql", "mariadb", "mysql", "mongodb", "mongodb+srv"}


class TestConform(StoreConformance):
    url = _URL

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _place(cls) -> Iterator[None]:
        """A scratch database on a server, or else the place as named, which must not hold anything of anybody's."""
        with ExitStack() as stack:
            parts = urlsplit(_URL)
            if parts.scheme in _SERVERS:
                cls.url = stack.enter_context(scratch_database(_URL))
            elif parts.scheme in {"sqlite", "yaml"} and _holds_something(Path(parts.path.removeprefix("/"))):
                pytest.exit(
                    f"{_URL} holds something already; the suite drops what it finds, so give it an empty place", 2
                )
            yield

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        options: dict[str, Any] = {}
        if urlsplit(self.url).scheme.startswith("redis"):  # where the suite keeps to names that nobody else has
            options = {"prefix": f"holdall_conform_{os.getpid()}", "scan_limit": 100_000}
        return open_store("conform", self.url, **options)


def _holds_something(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.exists()
