"""The cells of the authorisation matrix: who, which field or record, by which door, and whether the answer is right.

A name that a user may not read must be answered, by every door, as a name that nothing has; a record that he may not
read as one that is not there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec

from holdall import Holdall
from holdall.errors import HoldallError
from holdall.query import Aggregate, Compare, Function, Grouping, NestedName, Of, Op, Query, Some, SortKey, formula
from holdall.session import Session
from holdall.testing.client import Client
from holdall.web.filters import OPERATORS
from holdall.web.grouped import FUNCTIONS
from tests.support.office import (
    DOCS,
    FIELDS,
    INSIDE,
    SENTINELS,
    THROUGH,
    USERS,
    Doc,
    Tell,
    placed,
    sees,
    sees_team,
    who,
)

__all__ = [
    "NAME_DOORS",
    "RECORD_DOORS",
    "SESSION_DOORS",
    "UNFIT",
    "UNKNOWN",
    "UNMERGED",
    "WRITE_DOORS",
    "Asking",
    "Cell",
    "leaks",
    "matrix",
    "own_paper",
    "said",
    "sent",
]

UNKNOWN = "zzzz"
_VALUES: dict[str, Any] = {
    "id": 1,
    "pages": 1,
    "margin": 1,
    "score": 1.0,
    "is_final": True,
    "team": 1,
    "source": 1,
    "place": {"shelf": "x"},
    "marks": [],
    "stash": {"shelf": "x"},
}
_ORDERED = {"sort", "sort down", "cursor", "sort of included", "selection sort", "selection cursor"}
_GROUPED = {"group", "having"} | {f"aggregate {function}" for function in FUNCTIONS}
UNFIT = dict.fromkeys(("place", "marks", "stash"), _ORDERED) | {"marks.team": _ORDERED | _GROUPED}
"""By name, the doors that it is unknown at to everybody: lists and whole values have no order, lists make no groups."""

_INSIDE = {name: (readers, f"{UNKNOWN}.{name.partition('.')[2]}") for name, readers in INSIDE.items()}
_NAMES = {name: (readers, UNKNOWN) for name, (readers, _, _) in FIELDS.items()} | _INSIDE | THROUGH
"""What is asked for by name: fields, references inside them and what lies beyond; who may read it, and a name that
nothing has, of as many parts.
"""
_UNKNOWN = sorted({other for _, other in _NAMES.values()})
_ABSENT = sorted({UNKNOWN, *(other for _, other in _INSIDE.values())})


class Cell(msgspec.Struct, frozen=True):
    """One question and whether it was answered right: a leak, a wrong denial, or neither."""

    user: str
    subject: str
    door: str
    is_leak: bool
    is_denial: bool


def _filters() -> dict[str, str]:
    found: dict[str, str] = {}
    for suffix in OPERATORS:
        value = "true" if suffix == "isnull" else "1"
        found[f"filter {suffix}"] = f"docs?{{name}}__{suffix}={value}"
        found[f"dotted filter {suffix}"] = f"docs?team.docs.{{name}}__{suffix}={value}"
        found[f"filter in or {suffix}"] = f"docs?or=(id=1,{{name}}__{suffix}={value})"
    return found


NAME_DOORS: dict[str, str] = {
    **_filters(),
    "filter": "docs?{name}=1",
    "filter not": "docs?not=({name}=1)",
    "sort": "docs?sort={name}",
    "sort down": "docs?sort=-{name}",
    "cursor": "docs?sort={name}&after=",
    "fields": "docs?fields={name}",
    "fields of one": "docs/{key}?fields={name}",
    "fields of included": "teams?include=docs(fields={name})",
    "filter of included": "teams?include=docs({name}=1)",
    "sort of included": "teams?include=docs(sort={name})",
    **{f"aggregate {function}": f"docs?aggregate={{name}}.{function}" for function in FUNCTIONS},
    "group": "docs?aggregate=rows&group={name}",
    "export": "docs?format=csv&fields={name}",
    "having": "docs?aggregate={name}.max&having={name}.max__gt=0",
    "selection filter": "docs/selections/titled?{name}=1",
    "selection sort": "docs/selections/titled?sort={name}",
    "selection cursor": "docs/selections/papers?sort=-{name}&after=",
    "selection export": "docs/selections/papers?{name}__isnull=false&format=csv",
}
"""Paths with a name in them."""


def _compared(name: str) -> Any:
    return Compare((name,), Op.IS_NULL, False)


SESSION_DOORS: dict[str, Callable[[str], Query[Any]]] = {
    "where": lambda name: Query("docs", _compared(name)),
    "where dotted": lambda name: Query("teams", Some(("docs",), _compared(name))),
    "where computed": lambda name: Query("docs", Compare((formula(Of((name,))),), Op.IS_NULL, False)),
    "where not": lambda name: Query("docs", ~_compared(name)),
    "sort": lambda name: Query("docs", sort_keys=(SortKey((name,)),)),
    "only": lambda name: Query("docs", projection=((name,),)),
    "group": lambda name: Query("docs", projection=((name,),), grouping=Grouping(((name,),))),
    "aggregate": lambda name: Query(
        "docs",
        projection=((f"count({name})",),),
        grouping=Grouping((), (Aggregate(Function.COUNT, (name,)),)),
    ),
}
"""Queries of a session with a name in them; each is asked by every verb that takes it."""

_VERBS: dict[str, Callable[[Session, Any], Awaitable[Any]]] = {
    "query": lambda session, query: session.query(query),
    "rows": lambda session, query: session.rows(query),
    "count": lambda session, query: session.count(query),
    "estimate": lambda session, query: session.estimate(query),
    "first": lambda session, query: session.first(query),
    "exists": lambda session, query: session.exists(query),
    "readable": lambda session, query: session.readable(query),
    "explain": lambda session, query: session.explain(query),
    "update": lambda session, query: session.update(query, title="t"),
    "delete": lambda session, query: session.delete(query),
}
_OF_GROUPS = ("query", "first", "exists", "readable")
_OF_CONDITIONS = ("count", "estimate", "update", "delete")

RecordDoor: TypeAlias = Callable[["Asking", int], Awaitable[bool]]


class Asking(msgspec.Struct, frozen=True, eq=False):
    """One user at the doors of one office."""

    app: Holdall
    client: Client
    user: str

    async def get(self, path: str) -> Any:
        return await self.client.request("GET", f"/{path}", headers={"x-user": self.user})

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        given = {"headers": {"x-user": self.user}} | ({"json": body} if body is not None else {})
        return await self.client.request(method, f"/{path}", **given)

    async def told(self, act: Callable[[Session], Awaitable[Any]]) -> str:
        """What a session answers, or the error."""
        session = Session(self.app.bindings, USERS[self.user])
        try:
            return str(await act(session))
        except HoldallError as error:
            return f"{type(error).__name__} {error}"
        finally:
            session.rollback()


def _ids(answer: Any) -> list[int]:
    return [item["id"] for item in json.loads(answer.body).get("data", [])]


async def _by_session(asking: Asking, act: Callable[[Session], Awaitable[Any]]) -> bool:
    told = await asking.told(act)
    return told not in ("None", "0", "[]", "False", "set()") and not told.startswith(("NotFound", "Forbidden"))


RECORD_DOORS: dict[str, RecordDoor] = {
    "get": lambda a, key: _status(a.get(f"docs/{key}"), 200),
    "head": lambda a, key: _status(a.send("HEAD", f"docs/{key}"), 200),
    "list": lambda a, key: _has(a.get("docs"), key),
    "filter": lambda a, key: _has(a.get(f"docs?id={key}"), key),
    "sorted": lambda a, key: _has(a.get("docs?sort=-team.name,id"), key),
    "sparse": lambda a, key: _has(a.get("docs?fields=id"), key),
    "count": lambda a, key: _number(a.get(f"docs?id={key}&page_size=1"), "total_count"),
    "estimate": lambda a, key: _number(a.get(f"docs?id={key}&page_size=1&count=estimated"), "total_count"),
    "aggregate": lambda a, key: _rows(a.get(f"docs?id={key}&aggregate=rows")),
    "cursor": lambda a, key: _has(a.get("docs?after="), key),
    "patch of nothing": lambda a, key: _status(a.send("PATCH", f"docs/{key}", {}), 200, 403),
    "delete": lambda a, key: _status(a.send("DELETE", f"docs/{key}"), 403),
    "session get": lambda a, key: _by_session(a, lambda s: s.get(Doc, key)),
    "session require": lambda a, key: _by_session(a, lambda s: s.require(Doc, key)),
    "session query": lambda a, key: _by_session(a, lambda s: s.query(Doc.where(Doc.id == key))),
    "session first": lambda a, key: _by_session(a, lambda s: s.first(Doc.where(Doc.id == key))),
    "session one": lambda a, key: _by_session(a, lambda s: s.one(Doc.where(Doc.id == key))),
    "session count": lambda a, key: _by_session(a, lambda s: s.count(Doc.where(Doc.id == key))),
    "session estimate": lambda a, key: _by_session(a, lambda s: _estimated(s, key)),
    "session exists": lambda a, key: _by_session(a, lambda s: s.exists(Doc.where(Doc.id == key))),
    "session rows": lambda a, key: _by_session(a, lambda s: s.rows(Doc.where(Doc.id == key).only(Doc.id))),
    "session stream": lambda a, key: _by_session(a, lambda s: _streamed(s, key)),
    "session fresh": lambda a, key: _by_session(a, lambda s: s.query(Doc.where(Doc.id == key), fresh=True)),
    "session refresh": lambda a, key: _by_session(a, lambda s: _refreshed(s, key)),
    "session bulk": lambda a, key: _by_session(a, lambda s: _in_bulk(s, key)),
    "session change": lambda a, key: _by_session(a, lambda s: _changed(s, key)),
    "act": lambda a, key: _status(a.send("POST", f"docs/{key}/actions/peek", {}), 200),
    "act that tells": lambda a, key: _status(a.send("POST", f"docs/{key}/actions/recite", {}), 200),
    "act under a rule": lambda a, key: _status(a.send("POST", f"docs/{key}/actions/close", {}), 200, 403),
    "act on a filter": lambda a, key: _number(a.send("POST", f"docs/actions/peek?id={key}", {}), "affected"),
    "act on a selection": lambda a, key: _number(
        a.send("POST", f"docs/actions/tell?selection=papers&id={key}", {}), "affected"
    ),
    "selection": lambda a, key: _has(a.get("docs/selections/titled"), key),
    "selection of records": lambda a, key: _has(a.get("docs/selections/papers?sort=title"), key),
    "selection cursor": lambda a, key: _has(a.get("docs/selections/papers?after=&page_size=9"), key),
    "selection total": lambda a, key: _number(a.get(f"docs/selections/titled?id={key}&page_size=1"), "total_count"),
    "session act": lambda a, key: _by_session(a, lambda s: s.act(Tell(), Doc.where(Doc.id == key))),
    "session select": lambda a, key: _by_session(a, lambda s: s.query(s.select("docs/papers").where(Doc.id == key))),
}
"""Ways to ask whether a record is there: each gives what its answer says."""


async def _estimated(session: Session, key: int) -> int:
    return (await session.estimate(Doc.where(Doc.id == key))).number


async def _status(answer: Awaitable[Any], *wanted: int) -> bool:
    return (await answer).status in wanted


async def _has(answer: Awaitable[Any], key: int) -> bool:
    found = await answer
    return found.status == 200 and key in _ids(found)


async def _number(answer: Awaitable[Any], name: str) -> bool:
    found = await answer
    return bool(found.status == 200 and json.loads(found.body)[name] > 0)


async def _rows(answer: Awaitable[Any]) -> bool:
    found = await answer
    return bool(found.status == 200 and json.loads(found.body)["data"][0]["rows"] > 0)


async def _streamed(session: Session, key: int) -> list[Any]:
    return [doc async for doc in session.stream(Doc.where(Doc.id == key))]


async def _refreshed(session: Session, key: int) -> str:
    await session.refresh(session.register(Doc(id=key)))
    return "there"


async def _in_bulk(session: Session, key: int) -> int:
    return await session.update(Doc.where(Doc.id == key), title="t")


async def _changed(session: Session, key: int) -> str:
    session.register(Doc(id=key)).pages = 7
    await session.expand()
    if session.context.judging is not None:
        await session.context.judging.demand_records()
    return "there"


async def matrix(app: Holdall, users: list[str] | None = None) -> AsyncIterator[Cell]:
    """Every cell of one office."""
    client = Client(app.asgi(authenticate=who, docs=False))
    for user in users or list(USERS):
        asking = Asking(app, client, user)
        async for cell in _names(asking):
            yield cell
        async for cell in _writes(asking):
            yield cell
        async for cell in _records(asking):
            yield cell


async def _names(asking: Asking) -> AsyncIterator[Cell]:
    user, own = asking.user, own_paper(asking.user)
    may_know = user != "nobody"
    for door, path in NAME_DOORS.items():
        unknown = {each: said(await asking.get(path.format(name=each, key=own)), each) for each in _UNKNOWN}
        for name, (readers, other) in _NAMES.items():
            answer = await asking.get(path.format(name=name, key=own))
            is_unknown = said(answer, name) == unknown[other]
            may = user in readers and door not in UNFIT.get(name, ())
            yield Cell(user, name, door, leaks(user, answer.body) or not (may or is_unknown), may and is_unknown)
    for shape, make in SESSION_DOORS.items():
        for verb, ask in _VERBS.items():
            if (shape in ("group", "aggregate") and verb not in _OF_GROUPS) or (
                verb in _OF_CONDITIONS and not shape.startswith("where")
            ):
                continue
            absent = {each: (await asking.told(_asked(ask, make(each)))).replace(each, "NAME") for each in _ABSENT}
            for name, (readers, other) in _NAMES.items():
                if name in THROUGH:
                    continue
                told = await asking.told(_asked(ask, make(NestedName(name) if name in INSIDE else name)))
                is_unknown = told.replace(f"{name!r}", "'NAME'") == absent[other].replace(
                    "count(NAME)", f"count({name})"
                )
                may = user in readers
                refused = may_know and not may and not is_unknown
                yield Cell(user, name, f"session {shape} {verb}", refused or leaks(user, told.encode()), False)
    for name, (readers, _, _) in FIELDS.items():
        for door in ("to_dict", "repr", "json"):
            told = await asking.told(partial(_shown, key=own, door=door))
            may = user in readers
            is_shown = f"{name}" in told and not told.startswith(("Forbidden", "NotFound"))
            yield Cell(user, name, door, is_shown and not may, may and not is_shown)


def _asked(ask: Any, query: Any) -> Callable[[Session], Awaitable[Any]]:
    return lambda session: ask(session, query)


async def _shown(session: Session, key: int, door: str) -> str:
    doc = await session.require(Doc, key)
    doors: dict[str, Any] = {"to_dict": doc.to_dict, "repr": doc.__repr__, "json": doc.to_json}
    return str(doors[door]())


WRITE_DOORS: dict[str, tuple[str, str, Callable[[int, dict[str, Any]], Any], dict[str, str]]] = {
    "create": ("POST", "docs", lambda key, given: {"id": 90, **given}, {}),
    "create several": ("POST", "docs", lambda key, given: [{"id": 90, **given}], {}),
    "put of a new one": ("PUT", "docs/90", lambda key, given: {"id": 90, **given}, {}),
    "update": ("PATCH", "docs/{key}", lambda key, given: given, {}),
    "update several": ("PATCH", "docs", lambda key, given: [{"key": key, "patch": given}], {}),
    "update of a filter": ("PATCH", "docs?id={key}", lambda key, given: given, {}),
    "put": ("PUT", "docs/{key}", lambda key, given: {"title": "x", **given}, {}),
    "patch": (
        "PATCH",
        "docs/{key}",
        lambda key, given: [{"op": "add", "path": f"/{name}", "value": value} for name, value in given.items()],
        {"content-type": "application/json-patch+json"},
    ),
}
"""Ways to give a field a value: method, path, body and headers."""

UNMERGED = ("place", "stash")
"""Values that a patch of all records which a filter means does not take: they are merged into each by itself."""

_MAKING = ("create", "create several", "put of a new one")


async def _writes(asking: Asking) -> AsyncIterator[Cell]:
    user, own = asking.user, own_paper(asking.user)
    for door in WRITE_DOORS:
        unknown = await sent(asking, own, UNKNOWN, door)
        for name, (readers, makers, changers) in FIELDS.items():
            if name == "id":
                continue
            said = await sent(asking, own, name, door)
            may = user in (makers if door in _MAKING else changers)
            may = may and (door != "update of a filter" or name not in UNMERGED)
            is_hidden = user not in readers and not may
            leak = (not may and said[0] in (200, 201)) or (is_hidden and user in ("ann", "tom") and said != unknown)
            yield Cell(user, name, door, leak, may and said[0] not in (200, 201))
    for is_new in (True, False):
        for target in ("team", "source"):
            for key in (1, 2, 4):
                may_see = sees_team(user, key) if target == "team" else user in FIELDS["source"][0]
                door = "create" if is_new else "update"
                absent = await sent(asking, own, target, door, 777)
                said = await sent(asking, own, target, door, key)
                may = may_see and user in FIELDS[target][1 if is_new else 2] and (target != "team" or key < 3)
                is_kept = not is_new and key == next(each for each in DOCS if each["id"] == own).get(target, 4)
                is_leak = not may_see and said != absent and not is_kept
                yield Cell(user, f"{target} {key}", f"reference {is_new}", is_leak, may and said == absent)


async def sent(asking: Asking, own: int, name: str, door: str, value: Any = None) -> tuple[int, str]:
    """The status, and the errors without the name, of a write that gives a field a value; it is undone."""
    given = _VALUES.get(name, "x") if value is None else value
    if name == "team" and value is None:
        given = None
    method, path, body, headers = WRITE_DOORS[door]
    sent = json.dumps(body(own, {name: given})).encode()
    headers = {"content-type": "application/json", "x-user": asking.user} | headers
    answer = await asking.client.request(method, "/" + path.format(key=own), body=sent, headers=headers)
    async with asking.app.session() as session:
        if door in _MAKING:
            await session.delete(Doc.where(Doc.id == 90))
        elif answer.status < 400:
            doc = await session.require(Doc, own)
            kept = next(each for each in DOCS if each["id"] == own)
            erased = any(getattr(doc, each) != _SECRETS[each] for each in ("margin", "remark"))
            erased = erased or doc.stash != placed(kept["team"])["stash"]
            if erased and asking.user not in FIELDS[name][2] | {"boss", "clerk"}:
                answer = msgspec.structs.replace(answer, status=200)  # who may not write it has written it
            for field, before in {
                **kept,
                "status": "draft",
                "pages": 0,
                "is_final": False,
                **_SECRETS,
                **placed(kept["team"]),
            }.items():
                if field != "id":
                    setattr(doc, field, before)
    return said(answer, name)


_SECRETS = {name: SENTINELS[name] for name in ("margin", "remark", "source")}


async def _records(asking: Asking) -> AsyncIterator[Cell]:
    for door, is_there in RECORD_DOORS.items():
        if door == "delete" and asking.user == "boss":
            continue  # who may, does
        absent = await is_there(asking, 777)
        for doc in DOCS:
            may = sees(asking.user, doc)
            is_told = await is_there(asking, doc["id"]) != absent
            is_denied = may and not is_told and door not in ("delete", "session change")
            yield Cell(asking.user, f"record {doc['id']}", door, is_told and not may, is_denied)


def own_paper(user: str) -> int:
    """A paper that the user may read."""
    return 3 if user == "tom" else 1


def said(answer: Any, name: str) -> tuple[int, str]:
    """The status, and what is wrong, without the name that was asked for."""
    if answer.status < 400:
        return answer.status, "fine"
    told: Any = json.loads(answer.body) if answer.body else {"type": "", "detail": ""}
    wrong = [(error["path"].replace(name, "NAME"), error["code"], error["message"]) for error in told.get("errors", [])]
    return answer.status, f"{told['type']} {told['detail']} {wrong}"


def leaks(user: str, body: bytes) -> bool:
    """Whether an answer has what only others may read."""
    for secret, value in SENTINELS.items():
        readers = {"boss"} if secret == "budget" else FIELDS[secret][0]
        if secret != "source" and user not in readers and str(value).encode() in body:
            return True
    return False
