"""Rows for HTTP: list 50 with the count of all, get one, create one; one uvicorn worker, 16 keep-alive connections.

A contestant's store starts empty and is filled with a thousand books through its own API: everybody's holds the same.
"""

from __future__ import annotations

import json
from functools import cache

from bench.arena import Arena
from bench.book import FIELDS, body
from bench.load import exchange, requests_per_second
from bench.process import Failure
from bench.run import Measure, Row

_BOOKS = 1_000
_CONNECTIONS = 16
_PEERS = {"fastapi + sqlalchemy": "peers.fastapi_app", "fastapi-restly": "peers.restly_app"}


def rows(arena: Arena) -> list[Row]:
    """Three requests on each of the two databases."""
    seconds = 0.3 if arena.is_quick else 0.8

    @cache
    def sqlite(module: str) -> int:
        return filled(arena.server(module, arena.sqlite(module)).port)

    @cache
    def postgres(module: str) -> int:
        return filled(arena.server(module, arena.postgres.database(module.replace(".", "_"))).port)

    def row(name: str, verb: str) -> Row:
        port = sqlite if name == "sqlite" else postgres
        method, paths, content = REQUESTS[verb]

        def measure(module: str) -> Measure:
            def ask() -> float:
                arguments = {"port": port(module), "method": method, "paths": paths, "body": content}
                load = arena.worker("load")
                load.do("requests_per_second", **arguments, connections=_CONNECTIONS, seconds=seconds / 5)
                return load.do("requests_per_second", **arguments, connections=_CONNECTIONS, seconds=seconds)

            return ask

        peers = {peer: measure(module) for peer, module in _PEERS.items()}
        return Row(f"http/{name}/{verb}", "requests/s", measure(f"raw.asgi_{name}"), measure("ours.app"), peers)

    return [row(name, verb) for name in ("sqlite", "postgres") for verb in REQUESTS]


REQUESTS = {
    "list": ("GET", ["/books?page=1&page_size=50"], ""),
    "get": ("GET", [f"/books/{key}" for key in range(1, _BOOKS + 1)], ""),
    "create": ("POST", ["/books"], json.dumps(body())),
}


def filled(port: int) -> int:
    """Post the books, and see that what comes back is what all the others give."""
    content = json.dumps(body())
    try:
        requests_per_second(port, "POST", ["/books"], content, 1, 60.0, _BOOKS)
        first = json.loads(exchange(port, "GET", "/books/1", ""))
        page = json.loads(exchange(port, "GET", "/books?page=1&page_size=50", ""))
    except (OSError, ValueError) as error:
        raise Failure(f"the server does not answer as it should: {error}") from error
    if set(first) != set(FIELDS) or any(first[name] != value for name, value in body().items() if name != "added"):
        raise Failure(f"/books/1 is not what was posted: {first}")
    if len(page["data"]) != 50 or page["data"][0] != first or page["total_count"] < _BOOKS:
        raise Failure("the first page is not what was posted")
    if not {"page", "page_size", "total_pages"} <= set(page):
        raise Failure(f"the page lacks a part of its envelope: {sorted(page)}")
    return port
