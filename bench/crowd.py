"""Rows for HTTP on SQLite under one to 256 connections: latency, creates that share a commit, memory, an override.

``p50`` and ``p99`` are the time within which half, and 99 of 100, of the answers have come. Memory is that of the
server, all it has from the system, after 20,000 requests and after 200,000 more. By hand there is a commit for each
create; a view that overrides one tier of a list stands beside the list that nothing overrides. What is read has a
thousand books, whatever others write.
"""

from __future__ import annotations

from functools import cache

from bench.arena import Arena
from bench.http import REQUESTS, filled
from bench.process import Server
from bench.run import Measure, Row

_CROWDS = (1, 16, 64, 256)
_PERCENTS = (50, 99)
_MILLISECONDS = 1e3
_MEGABYTE = 1e6
_SHARES = {"get": 0.5, "list": 0.25, "create": 0.25}


def rows(arena: Arena) -> list[Row]:
    """What many clients at once see of three requests."""
    seconds = 0.2 if arena.is_quick else 0.8
    most = 2_000 if arena.is_quick else 20_000

    @cache
    def server(module: str, use: str) -> Server:
        found = arena.server(module, arena.sqlite(f"{module}.{use}"))
        filled(found.port)
        return found

    def asked(module: str, verb: str, connections: int, use: str = "", **more: float) -> dict[str, object]:
        method, paths, content = REQUESTS[verb]
        port = server(module, use or ("writing" if method == "POST" else "reading")).port
        given = {"port": port, "method": method, "paths": paths, "body": content}
        return {**given, "connections": connections, "seconds": seconds, **more}

    def latency(verb: str, connections: int, percent: int) -> Row:
        def measure(module: str) -> Measure:
            def ask() -> float:
                given = asked(module, verb, connections, percent=percent)
                return arena.worker("load").do("latency", **given) * _MILLISECONDS

            return ask

        name = f"crowd/{verb} x {connections} p{percent}"
        return Row(name, "ms", measure("raw.asgi_sqlite"), measure("ours.app"))

    def rate(name: str, verb: str, connections: int, raw: str, ours: str) -> Row:
        def measure(module: str) -> Measure:
            return lambda: arena.worker("load").do("requests_per_second", **asked(module, verb, connections))

        return Row(f"crowd/{name}", "requests/s", measure(raw), measure(ours))

    @cache
    def memory(module: str) -> tuple[float, float]:
        def after(count: int) -> float:
            for verb, share in _SHARES.items():
                given = asked(module, verb, 16, "both", most=int(count * share))
                arena.worker("load").do("requests_per_second", **{**given, "seconds": 120.0})
            return server(module, "both").resident / _MEGABYTE

        return after(most), after(most * 10)

    def weight(name: str, place: int) -> Row:
        def measure(module: str) -> Measure:
            return lambda: memory(module)[place]

        return Row(f"crowd/memory {name}", "MB", measure("raw.asgi_sqlite"), measure("ours.app"))

    return [
        *[latency(verb, size, percent) for verb in REQUESTS for size in _CROWDS for percent in _PERCENTS],
        rate("creates x 64", "create", 64, "raw.asgi_sqlite", "ours.app"),
        rate("list overridden", "list", 16, "ours.app", "ours.overridden"),
        weight(f"after {most:,}", 0),
        weight(f"after {most * 11:,}", 1),
    ]
