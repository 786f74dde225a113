"""Rows for files over HTTP: bytes that are sent, kept and synced in a second, and bytes that are read."""

from __future__ import annotations

import json
from functools import cache

from bench.arena import Arena
from bench.load import exchange
from bench.run import Measure, Row

_CONNECTIONS = 4
_SIZES = {"64 KiB": 1 << 16, "1 MiB": 1 << 20, "16 MiB": 1 << 24}


def rows(arena: Arena) -> list[Row]:
    """Uploads and downloads of three sizes."""
    seconds = 0.5 if arena.is_quick else 2.0

    @cache
    def port(module: str) -> int:
        found = arena.server(module, arena.sqlite(module)).port
        if module.startswith("ours"):
            for key in range(_CONNECTIONS):
                exchange(found, "POST", "/books", json.dumps({"id": key}))
        return found

    def measure(module: str, method: str, size: int) -> Measure:
        def ask() -> float:
            load = arena.worker("load")
            given = {"port": port(module), "size": size, "connections": _CONNECTIONS}
            load.do("megabytes_per_second", method="PUT", seconds=0.0, **given)
            return load.do("megabytes_per_second", method=method, seconds=seconds, **given)

        return ask

    return [
        Row(
            f"files/{word} {name}",
            "MB/s",
            measure("raw.asgi_files", method, size),
            measure("ours.files", method, size),
        )
        for word, method in (("upload", "PUT"), ("download", "GET"))
        for name, size in _SIZES.items()
    ]
