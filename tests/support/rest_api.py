"""An HTTP API for the tests: JSON over a memory store, with four ways of paging, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import parse_qsl, quote

import httptools
import msgspec

from holdall.errors import AlreadyExists, HoldallError, ReferenceViolation, StaleVersion, UniqueViolation
from holdall.query import (
    ALWAYS,
    And,
    Compare,
    Condition,
    FieldSchema,
    Kind,
    Not,
    Op,
    Or,
    Query,
    Schema,
    SortKey,
)
from holdall.store import Change, Row, Verb
from holdall.stores.memory import MemoryStore
from holdall.web.key import KeyText
from holdall.web.text_value import BORDER_TYPES, items_of, value_of

__all__ = ["Api", "Shape", "spelled"]


class Shape(msgspec.Struct, frozen=True):
    """How one collection looks: its paging, where fields lie, under what name a record stands alone."""

    paging: str = "page"  # page, offset, cursor, link, none
    names: Mapping[str, str] = {}
    item: str = ""


class Answer(msgspec.Struct):
    status: int
    body: Any = None
    headers: Sequence[tuple[str, str]] = ()


class Api:
    """Serves these collections while its block lasts. ``calls`` are the method and path of everything asked."""

    def __init__(self, schemas: Iterable[Schema], shapes: Mapping[str, Shape]) -> None:
        self.store = MemoryStore()
        self.schemas = {schema.name: schema for schema in schemas}
        self.store.bind(list(self.schemas.values()))
        self.shapes = shapes
        self.keys = {name: KeyText(schema) for name, schema in self.schemas.items()}
        self.calls: list[tuple[str, str]] = []
        self.url = ""
        self._replies: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._is_ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Protocol(self), "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
        self._is_ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        token = headers.get("idempotency-key")
        if token is not None and token in self._replies:
            return self._replies[token]
        path, _, query = target.partition("?")
        self.calls.append((method, path))
        try:
            found = await self._act(method, path.removeprefix("/api/"), query, headers, body)
        except HoldallError as error:
            found = _refusal(error)
        reply = _encoded(found)
        if token is not None and found.status < 500:
            self._replies[token] = reply
        return reply

    async def _act(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        name, is_one, key_text = path.partition("/~")  # so that the path of an empty key is not that of the list
        schema = self.schemas.get(name)
        if schema is None:
            return Answer(404)
        if not is_one:
            if method == "POST":
                return await self._add(schema, None, body)
            return await self._list(schema, query, path)
        key = self.keys[name].read(key_text)
        if method == "GET":
            return await self._one(schema, key)
        condition = headers.get("if-match")
        version = int(condition.strip('"')) if condition is not None else None
        if method == "DELETE":
            await self.store.apply([Change(Verb.REMOVE, name, key, version=version)])
            return Answer(204)
        values = self._values(schema, msgspec.json.decode(body))
        if method == "PUT":
            found = await self._one(schema, key)
            if found.status == 404:
                if headers.get("if-none-match") != "*":
                    return Answer(404)
                return await self._add(schema, key, body)
            if headers.get("if-none-match") == "*":
                return Answer(412)
        values = {field: value for field, value in values.items() if field not in schema.key}
        await self.store.apply([Change(Verb.UPDATE, name, key, tuple(values), tuple(values.values()), version)])
        return await self._one(schema, key)

    async def _add(self, schema: Schema, key: Any, body: bytes) -> Answer:
        values = self._values(schema, msgspec.json.decode(body))
        if key is None and all(name in values for name in schema.key):
            parts = tuple(values[name] for name in schema.key)
            key = parts if len(parts) > 1 else parts[0]
        (outcome,) = await self.store.apply([Change(Verb.ADD, schema.name, key, tuple(values), tuple(values.values()))])
        key = outcome.key if outcome.key is not None else key
        made = await self._one(schema, key)
        location = f"/api/{schema.name}/~{self.keys[schema.name].write(key)}"
        return Answer(201, made.body, [*made.headers, ("Location", location)])

    async def _one(self, schema: Schema, key: Any) -> Answer:
        parts = key if len(schema.key) > 1 else (key,)
        same = tuple(Compare((name,), Op.EQ, part) for name, part in zip(schema.key, parts, strict=True))
        rows = await self.store.fetch(Query(schema.name, And(same)))
        if not rows:
            return Answer(404, {"type": "urn:test:absent"})
        shape = self.shapes[schema.name]
        shown = self._shown(schema, rows[0], schema.positions)
        headers = [] if schema.version is None else [("ETag", f'"{rows[0][schema.positions[schema.version]]}"')]
        return Answer(200, {shape.item: shown} if shape.item else shown, headers)

    async def _list(self, schema: Schema, text: str, path: str) -> Answer:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=10_000)
        controls = dict(pairs)
        shape = self.shapes[schema.name]
        query = Query[Any](schema.name, self._condition(schema, pairs), _sort(controls.get("sort"), shape))
        total = await self.store.count(query)
        headers, following, window = [], None, query
        if shape.paging != "none":
            start, size = self._window(shape.paging, controls)
            window = query.limit(size).offset(start)
            if start + size < total:
                if shape.paging == "cursor":
                    following = urlsafe_b64encode(b"%d" % (start + size)).decode()
                if shape.paging == "link":
                    rest = "&".join(f"{name}={quote(value)}" for name, value in pairs if name != "start")
                    headers = [
                        ("Link", f'</api/{path}?start=0>; rel="first", <?{rest}&start={start + size}>; rel="next"')
                    ]
        rows = await self.store.fetch(window)
        asked = controls.get("fields")
        names = [*schema.positions] if asked is None else [_field(schema, shape, name) for name in asked.split(",")]
        data = [self._shown(schema, row, names) for row in rows]
        return Answer(200, {"data": data, "meta": {"total": total, "next": following}}, headers)

    def _window(self, paging: str, controls: Mapping[str, str]) -> tuple[int, int]:
        match paging:
            case "page":
                size = int(controls["per_page"])
                return (int(controls["page"]) - 1) * size, size
            case "offset":
                return int(controls["offset"]), int(controls["limit"])
            case "cursor":
                start = urlsafe_b64decode(controls["cursor"]) if "cursor" in controls else b"0"
                return int(start), int(controls["limit"])
            case _:
                return int(controls.get("start", "0")), int(controls["per_page"])

    def _condition(self, schema: Schema, pairs: Sequence[tuple[str, str]]) -> Condition:
        conditions: list[Condition] = []
        for name, text in pairs:
            if name == "filter":
                conditions.append(_rebuilt(schema, msgspec.json.decode(text)))
            elif "__" in name:
                place, _, suffix = name.rpartition("__")
                field, op = schema.by_name[_field(schema, self.shapes[schema.name], place)], Op(suffix)
                value: Any
                if op is Op.IS_NULL:
                    value = text == "true"
                elif op in (Op.IN, Op.NOT_IN):
                    value = tuple(value_of(field, item) for item in items_of(text))
                else:
                    value = value_of(field, text)
                conditions.append(Compare((field.name,), op, value))
        if len(conditions) == 1:
            return conditions[0]
        return And(tuple(conditions)) if conditions else ALWAYS

    def _shown(self, schema: Schema, row: Row, names: Iterable[str]) -> dict[str, Any]:
        places, shown = self.shapes[schema.name].names, dict[str, Any]()
        for name in names:
            *above, last = places.get(name, name).split(".")
            inner = shown
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = row[schema.positions[name]]
        return shown

    def _values(self, schema: Schema, document: dict[str, Any]) -> dict[str, Any]:
        places, values = self.shapes[schema.name].names, {}
        item = self.shapes[schema.name].item
        document = document[item] if item and item in document else document
        for field in schema.stored:
            found: Any = document
            for step in places.get(field.name, field.name).split("."):
                found = found.get(step, msgspec.UNSET) if isinstance(found, dict) else msgspec.UNSET
            if found is not msgspec.UNSET:
                values[field.name] = found if found is None else msgspec.convert(found, _type(field))
        return values


class _Protocol(asyncio.Protocol):
    def __init__(self, api: Api) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._start()

    def _start(self) -> None:
        self._url: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        work = self._api.answer(method, b"".join(self._url).decode(), self._headers, b"".join(self._body))
        self._start()
        task = self._api._loop.create_task(work)
        task.add_done_callback(self._reply)

    def _reply(self, task: asyncio.Task[bytes]) -> None:
        if task.exception() is not None:
            self._api._loop.call_exception_handler({"message": "api", "exception": task.exception()})
            self._transport.write(_encoded(Answer(500, {"type": "urn:test:broken", "why": str(task.exception())})))
            return
        self._transport.write(task.result())


def spelled(condition: Condition) -> dict[str, str]:
    """A whole condition as the API's parameter ``filter``."""
    return {"filter": msgspec.json.encode(condition, enc_hook=str).decode()}


def _rebuilt(schema: Schema, tree: dict[str, Any]) -> Condition:
    match tree["type"]:
        case "And" | "Or":
            items = tuple(_rebuilt(schema, item) for item in tree["items"])
            return And(items) if tree["type"] == "And" else Or(items)
        case "Not":
            return Not(_rebuilt(schema, tree["item"]))
        case _:
            path, op, value = tuple(tree["path"]), Op(tree["op"]), tree["value"]
            field = schema.by_name[path[0]]
            if op in (Op.IN, Op.NOT_IN, Op.BETWEEN):
                value = tuple(msgspec.convert(item, _type(field)) for item in value)
            elif op is not Op.IS_NULL:
                value = msgspec.convert(value, _type(field))
            return Compare(path, op, value)


def _sort(text: str | None, shape: Shape) -> tuple[SortKey, ...]:
    keys = []
    for item in text.split(",") if text else ():
        name, _, nulls = item.removeprefix("-").partition(":")
        field = next((field for field, place in shape.names.items() if place == name), name)
        keys.append(SortKey((field,), item.startswith("-"), nulls or None))  # type: ignore[arg-type]
    return tuple(keys)


def _field(schema: Schema, shape: Shape, place: str) -> str:
    """The field that lies at this place of the JSON, or whose place begins so."""
    if place in schema.by_name and place not in shape.names:
        return place
    return next(field for field, known in shape.names.items() if known == place or known.split(".")[0] == place)


def _type(field: FieldSchema) -> Any:
    if field.kind is Kind.REF:
        parts = [_type(part) for part in field.target_key]
        return parts[0] if len(parts) == 1 else tuple[tuple(parts)]  # type: ignore[misc]
    if field.kind is Kind.MANY:
        key = msgspec.structs.replace(field, kind=Kind.REF, form=None)
        return tuple[_type(key), ...]  # type: ignore[misc]
    return Any if field.kind is Kind.JSON else BORDER_TYPES[field.kind]


def _refusal(error: HoldallError) -> Answer:
    if isinstance(error, StaleVersion):
        return Answer(412, {"type": "urn:holdall:stale"})
    if isinstance(error, AlreadyExists):
        return Answer(409, {"type": "urn:holdall:exists"})
    if isinstance(error, UniqueViolation | ReferenceViolation):
        reason = "unique" if isinstance(error, UniqueViolation) else "reference"
        return Answer(409, {"type": f"urn:holdall:{reason}", "errors": [{"path": name} for name in error.fields]})
    return Answer(422, {"type": "urn:test:refused", "why": str(error)})


def _encoded(answer: Answer) -> bytes:
    body = b"" if answer.body is None else msgspec.json.encode(answer.body)
    head = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(body)}"]
    if body:
        head.append("Content-Type: application/json")
    head += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*head, "", ""]).encode() + body
