"""A small API with a memory, which fails at the request it is told to: before it does what it is asked, or after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from holdall.testing.fault_server import FAULTS, Reply, Request

__all__ = ["RECORDS", "Shop", "Strike"]

RECORDS = 7
_SIZE = 3


class Strike(msgspec.Struct, frozen=True):
    """A reply in place of that to the request of this number, and of those after it if it ``lasts``.

    ``is_late``: what was asked for is done before. ``then`` is one that strikes later in the same call.
    """

    name: str
    at: int
    is_late: bool = False
    lasts: bool = False
    then: Strike | None = None

    def at_request(self, number: int) -> Strike | None:
        """The strike that hits the request of this number."""
        if number == self.at or (self.lasts and number > self.at):
            return self
        return None if self.then is None else self.then.at_request(number)


def _empty_page(shop: Shop) -> Reply:
    return Reply.json({"data": [], "total": len(shop.records)})


_MORE: dict[str, Callable[[Shop], Reply]] = {
    "empty page": _empty_page,
    "not found": lambda _: Reply(status=404),
    "no content": lambda _: Reply(status=204, body=b"", media_type=""),
    "unauthorized": lambda _: Reply(status=401),
    "forbidden": lambda _: Reply(status=403),
    "conflict": lambda _: Reply(status=409),
    "precondition": lambda _: Reply(status=412),
    "half a page": lambda shop: Reply.json({"data": list(shop.records.values())[:1], "total": len(shop.records)}),
    "the first page again": lambda shop: shop.page({}, "page"),
}


class Shop:
    """Keeps ``records`` by key. ``keys``: by whom they are made. ``tags``: whether it has entity tags."""

    def __init__(self, keys: str = "client", tags: bool = False) -> None:
        self.records: dict[int, dict[str, Any]] = {
            key: {"id": key, "name": f"n{key}", "meta": {"a": key, "b": key}, "version": 1}
            for key in range(1, RECORDS + 1)
        }
        self.keys = keys
        self.tags = tags
        self.strike: Strike | None = None
        self.asked = 0
        self.created: list[int] = []

    def __call__(self, request: Request) -> Reply:
        """Answer, or fail."""
        strike = None if self.strike is None else self.strike.at_request(self.asked)
        self.asked += 1
        if strike is None:
            return self._answer(request)
        if strike.is_late:
            self._answer(request)
        more = _MORE.get(strike.name)
        return FAULTS[strike.name] if more is None else more(self)

    def page(self, asked: dict[str, str], style: str) -> Reply:
        """A part of the list."""
        rows = [self.records[key] for key in sorted(self.records)]
        start = {
            "page": (int(asked.get("page", 1)) - 1) * _SIZE,
            "offset": int(asked.get("offset", 0)),
            "cursor": int(asked.get("cursor", "c0")[1:]),
            "link": int(asked.get("start", 0)),
            "whole": 0,
        }[style]
        end = len(rows) if style == "whole" else start + int(asked.get("size", _SIZE))
        body: dict[str, Any] = {"data": rows[start:end], "total": len(rows)}
        headers: dict[str, Any] = {}
        if style == "cursor":
            body["next"] = f"c{end}" if end < len(rows) else None
        if style == "link" and end < len(rows):
            headers["Link"] = f'<?start={end}&size={asked.get("size", _SIZE)}>; rel="next"'
        return Reply.json(body, **headers)

    def _answer(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        _, style, *key = parts.path.split("/")
        body = msgspec.json.decode(request.body) if request.body else {}
        if not key:
            return self.page(dict(parse_qsl(parts.query)), style) if request.method == "GET" else self._created(body)
        found = self.records.get(int(key[0]))
        if request.method == "PUT" and request.headers.get("if-none-match") == "*":
            return Reply(status=412) if found else self._created(body | {"id": int(key[0])})
        if found is None:
            return Reply(status=404)
        tag = f'"{found["version"]}"'
        if request.method != "GET" and request.headers.get("if-match", tag) != tag:
            return Reply(status=412)
        if request.method == "DELETE":
            del self.records[found["id"]]
            return Reply(status=204, body=b"", media_type="")
        if request.method == "PUT":
            self.records[found["id"]] = body | {"version": found["version"] + 1}
        if request.method == "PATCH":
            is_merge = "merge-patch" in request.headers["content-type"]
            changed = _merged(found, body) if is_merge else found | body
            self.records[found["id"]] = changed | {"version": found["version"] + 1}
        return self._shown(found["id"], 200)

    def _created(self, body: dict[str, Any]) -> Reply:
        key = body["id"] if self.keys == "client" else max(self.records) + 1
        if key in self.records:
            return Reply(status=409)
        self.records[key] = {"meta": None, **body, "id": key, "version": 1}
        self.created.append(key)
        return self._shown(key, 201)

    def _shown(self, key: int, status: int) -> Reply:
        record = self.records[key]
        return Reply.json(record, status, **({"ETag": f'"{record["version"]}"'} if self.tags else {}))


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merged(made.get(name), value)
    return made
