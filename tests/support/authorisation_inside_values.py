"""The cells of the authorisation matrix that are about references inside values: what lies beyond, their other ends.

A record that a user may not read is answered, wherever a reference inside a value leads to it, as one that is not
there; a hidden value hides the references in it, and their other ends.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from holdall.query import Compare, NestedName, Op, Query, Some
from holdall.session import Session
from holdall.web.filters import OPERATORS
from tests.support.authorisation_matrix import (
    UNFIT,
    UNKNOWN,
    UNMERGED,
    WRITE_DOORS,
    Asking,
    Cell,
    leaks,
    own_paper,
    said,
    sent,
)
from tests.support.authorisation_of_jobs import over
from tests.support.office import DOCS, ENDS, FIELDS, INSIDE, Doc, Mark, Spot, Team, placed, sees, sees_team

__all__ = ["BEYOND_DOORS", "END_DOORS", "END_NAMES", "inside_values"]

TEAMS = {1: "north", 2: "south"}
_ABSENT = 777
_FITTING = {"ne": "zz", "in": "x,{team}", "isnull": "false", "gt": "a", "gte": "a", "lt": "zz", "lte": "zz"}
"""By suffix, a value that is true of the name of a team, where that is seen; else a part of the name is."""


def _suffixed(suffix: str) -> str:
    part = {"startswith": "{start}", "endswith": "{end}", "contains": "{end}", "icontains": "{end}"}
    return f"docs?id={{key}}&{{name}}.name__{suffix}={_FITTING.get(suffix, part.get(suffix, '{team}'))}"


BEYOND_DOORS: dict[str, str] = {
    **{f"beyond {suffix}": _suffixed(suffix) for suffix in OPERATORS},
    "beyond in or": "docs?or=({name}.name={team},id=99)&fields=id",
    "beyond dotted": "docs?id={key}&{name}.id__isnull=false",
    "selection beyond": "docs/selections/papers?id={key}&{name}.name={team}",
    "include": "docs/{key}?include={name}",
    "include of fields": "docs?id={key}&include={name}&fields=id,{name}.name",
    "include of a selection of fields": "docs/{key}?include={name}(fields=name)",
    "group beyond": "docs?id={key}&aggregate=rows&group={name}.name",
    "aggregate beyond": "docs?id={key}&aggregate={name}.name.max",
    "having beyond": "docs?id={key}&aggregate={name}.name.max&having={name}.name.max={team}",
    "export beyond": "docs?id={key}&{name}.name={team}&format=csv&fields=title",
}
"""Ways through a reference inside a value to the name of a team."""

END_NAMES: dict[str, str] = {
    "include": "teams?include={name}",
    "include through": "docs?include=place.team.{name}",
    "filter": "teams?{name}.id=1",
    "filter isnull": "teams?{name}__isnull=true",
    "filter through": "docs?place.team.{name}.id=1",
    "filter in or": "teams?or=({name}.id=1,id=1)",
    "filter of included": "teams?include=docs(team.{name}.id=1)",
    "aggregate": "teams?aggregate={name}.id.count",
    "sort": "teams?sort={name}.id",
    "fields": "teams?fields={name}",
    "fields of included": "teams?fields=id,{name}.id",
}
"""Paths with the name of an other end in them."""


async def inside_values(asking: Asking) -> AsyncIterator[Cell]:
    """Every cell of one user."""
    for cells in (_beyond, _names_of_ends, _ends, _checks, _bulk, _edits_of_ends, _later, _patches, _described):
        async for cell in cells(asking):
            yield cell


# --- through references -----------------------------------------------------------------------------------------------


async def _beyond(asking: Asking) -> AsyncIterator[Cell]:
    user, own = asking.user, own_paper(asking.user)
    for team, called in TEAMS.items():
        await _put(asking, own, team)
        for name, readers in INSIDE.items():
            may = user in readers and sees_team(user, team)
            for door, path in BEYOND_DOORS.items():
                if "group" in UNFIT.get(name, ()) and door.partition(" ")[0] in ("group", "aggregate", "having"):
                    continue
                address = path.format(name=name, key=own, team=called, start=called[0], end=called[-2:])
                answer = await asking.get(address)
                is_told = answer.status == 200 and _is_told(answer.body, door, own, called)
                yield Cell(user, f"{name} {team}", door, is_told and not may, may and not is_told)
            for door, ask in _SESSION_DOORS.items():
                told = await asking.told(_asked(ask, own, name, called))
                is_told = called in told if ask in _NAMING else told in ("1", "True") or told.startswith("[Doc")
                yield Cell(user, f"{name} {team}", f"session {door}", is_told and not may, may and not is_told)
        await _put(asking, own, next(doc["team"] for doc in DOCS if doc["id"] == own))


def _is_told(body: bytes, door: str, own: int, called: str) -> bool:
    if door.startswith(("include", "group", "aggregate", "having")):
        return called.encode() in body
    if door.startswith("export"):
        return len(body.splitlines()) > 1
    return own in [each["id"] for each in json.loads(body)["data"]]


def _asked(ask: Any, key: int, name: str, called: str) -> Callable[[Session], Awaitable[Any]]:
    return lambda session: ask(session, key, name, called)


def _through(name: str, called: str, key: int) -> Query[Any]:
    return Query("docs", Compare(("id",), Op.EQ, key) & _condition(name, Compare(("name",), Op.EQ, called)))


def _condition(name: str, of_team: Compare) -> Any:
    step = (NestedName(name),)
    return Some(step, of_team) if name == "marks.team" else Compare((*step, *of_team.path), of_team.op, of_team.value)


async def _where(session: Session, key: int, name: str, called: str) -> Any:
    return await session.query(_through(name, called, key))


async def _counted(session: Session, key: int, name: str, called: str) -> Any:
    return await session.count(_through(name, called, key))


async def _exists(session: Session, key: int, name: str, called: str) -> Any:
    return await session.exists(_through(name, called, key))


async def _changed_in_bulk(session: Session, key: int, name: str, called: str) -> Any:
    return await session.update(_through(name, called, key), title="t")


async def _only(session: Session, key: int, name: str, called: str) -> Any:
    step = (NestedName(name),)
    path = step if name == "marks.team" else (*step, "name")
    found: list[Any] = await session.query(Query("docs", Compare(("id",), Op.EQ, key), projection=(path,)))
    if name != "marks.team":
        return found
    return [team.name for row in found for each in row[0] if (team := await session.get(Team, each)) is not None]


async def _loaded(session: Session, key: int, name: str, called: str) -> Any:
    doc = await session.require(Doc, key)
    await session.load([doc], *[getattr(getattr(Doc, part), end) for part, _, end in [name.partition(".")]])
    return [handle.name for handle in _handles(doc, name)]


async def _awaited(session: Session, key: int, name: str, called: str) -> Any:
    doc = await session.require(Doc, key)
    return [(await handle).name for handle in _handles(doc, name)]


async def _at_hand(session: Session, key: int, name: str, called: str) -> Any:
    doc = await session.require(Doc, key)
    await session.query(Team.where())
    return [handle.name for handle in _handles(doc, name)]


def _handles(doc: Doc, name: str) -> list[Any]:
    value: Any = getattr(doc, name.partition(".")[0])
    return [each.team for each in value] if name == "marks.team" else [value.team]


_SESSION_DOORS = {
    "where": _where,
    "count": _counted,
    "exists": _exists,
    "update": _changed_in_bulk,
    "only": _only,
    "load": _loaded,
    "await": _awaited,
    "at hand": _at_hand,
}
_NAMING = (_only, _loaded, _awaited, _at_hand)


async def _put(asking: Asking, key: int, team: int | None) -> None:
    """Have a paper lie with a team, past all rights."""
    async with asking.app.session() as session:
        doc = await session.require(Doc, key)
        for name, value in placed(team).items():
            setattr(doc, name, value)


# --- other ends -------------------------------------------------------------------------------------------------------


async def _names_of_ends(asking: Asking) -> AsyncIterator[Cell]:
    """The other end of a hidden reference is a name that nothing has."""
    user = asking.user
    for door, path in END_NAMES.items():
        unknown = said(await asking.get(path.format(name=UNKNOWN)), UNKNOWN)
        for end, reference in ENDS.items():
            answer = await asking.get(path.format(name=end))
            is_unknown, may = said(answer, end) == unknown, user in INSIDE[reference]
            is_denied = may and is_unknown and door not in ("sort", "fields", "aggregate")
            yield Cell(user, end, f"end in {door}", leaks(user, answer.body) or not (may or is_unknown), is_denied)


END_DOORS: dict[str, str] = {
    "include": "teams/{team}?include={name}(page_size=9)",
    "include of list": "teams?id={team}&include={name}(page_size=9)",
    "include with a filter": "teams/{team}?include={name}(id={key})",
    "filter": "teams?id={team}&{name}.id={key}",
    "filter through": "docs?id={key}&place.team.{name}.id={key}",
}
"""Ways to the papers at an other end."""


async def _ends(asking: Asking) -> AsyncIterator[Cell]:
    """At the other end are the papers that the user may read, and no others."""
    user = asking.user
    for end, reference in ENDS.items():
        for team in TEAMS:
            loaded = await asking.told(_ask_end(_load_end, end, team))
            awaited = await asking.told(_ask_end(_await_end, end, team))
            for doc in [each for each in DOCS if each["team"] == team]:
                key, subject = doc["id"], f"{end} {team}"
                may = sees_team(user, team) and sees(user, doc) and user in INSIDE[reference]
                for door, path in END_DOORS.items():
                    answer = await asking.get(path.format(team=team, name=end, key=key))
                    is_told = answer.status == 200 and _is_at_end(json.loads(answer.body), door, end, key, team)
                    yield Cell(user, subject, f"papers in {door}", is_told and not may, may and not is_told)
                any_of: Query[Any] = Query("teams", Some((end,), Compare(("id",), Op.EQ, key)))
                counted = await asking.told(_counting(any_of))
                for door, told in (("load", loaded), ("await", awaited), ("any", f"[{key}]" * (counted == "1"))):
                    is_told = f"{key}" in told.strip("[]").split(", ")
                    yield Cell(user, subject, f"session {door} of end", is_told and not may, may and not is_told)


def _ask_end(ask: Any, end: str, team: int) -> Callable[[Session], Awaitable[Any]]:
    return lambda session: ask(session, end, team)


def _counting(query: Query[Any]) -> Callable[[Session], Awaitable[Any]]:
    return lambda session: session.count(query)


async def _load_end(session: Session, end: str, team: int) -> list[int]:
    found = await session.require(Team, team)
    await session.load([found], getattr(Team, end))
    return [doc.id for doc in getattr(found, end)]


async def _await_end(session: Session, end: str, team: int) -> list[int]:
    return [doc.id for doc in await getattr(await session.require(Team, team), end)]


def _is_at_end(told: Any, door: str, end: str, key: int, team: int) -> bool:
    if door.startswith("include"):
        found = told.get("data", [told])
        return any(doc["id"] == key for each in found for doc in each.get(end, {}).get("data", ()))
    return any(each["id"] == (key if "through" in door else team) for each in told["data"])


# --- new references ---------------------------------------------------------------------------------------------------


def _given(name: str, team: int) -> Any:
    return [{"team": team}] if name == "marks" else {"team": team}


async def _checks(asking: Asking) -> AsyncIterator[Cell]:
    """A new reference to what the user may not read is refused as one to what is not there."""
    user, own = asking.user, own_paper(asking.user)
    before = next(doc["team"] for doc in DOCS if doc["id"] == own)
    for door in WRITE_DOORS:
        is_making = WRITE_DOORS[door][1] == "docs/90" or WRITE_DOORS[door][0] == "POST"
        for name in ("place", "marks", "stash"):
            absent = await sent(asking, own, name, door, _given(name, _ABSENT))
            for team in TEAMS:
                told = await sent(asking, own, name, door, _given(name, team))
                may_see, may = sees_team(user, team), user in FIELDS[name][1 if is_making else 2]
                may = may and (door != "update of a filter" or name not in UNMERGED)
                is_kept = not is_making and team == before and may and door != "update of a filter"
                is_leak = not may_see and told != absent and not is_kept
                yield Cell(user, f"{name} {team}", f"reference in {door}", is_leak, may and may_see and told == absent)


async def _bulk(asking: Asking) -> AsyncIterator[Cell]:
    """The same by a session: at once, record by record, with or without a transaction."""
    user, own = asking.user, own_paper(asking.user)
    values: dict[str, Callable[[Any], Any]] = {"place": Spot, "marks": lambda team: [Mark(team)], "stash": Spot}
    for name, make in values.items():
        for door, write in (("update", _updated), ("assignment", _assigned), ("new", _made), ("inside", _put_inside)):
            absent = await asking.told(_asked(write, own, name, make(_ABSENT)))
            for team in TEAMS:
                told = await asking.told(_asked(write, own, name, make(team)))
                may_see = sees_team(user, team)
                may = user in FIELDS[name][1 if door == "new" else 2] and may_see
                await _put(asking, own, next(doc["team"] for doc in DOCS if doc["id"] == own))
                is_kept = door in ("assignment", "inside") and team == (2 if own == 1 else None)
                is_leak = not may_see and told != absent and not is_kept
                yield Cell(user, f"{name} {team}", f"session {door} of reference", is_leak, may and told == absent)


async def _updated(session: Session, key: int, name: str, value: Any) -> str:
    await session.update(Doc.where(Doc.id == key), **{name: value})
    await session.commit()
    return "done"


async def _assigned(session: Session, key: int, name: str, value: Any) -> str:
    setattr(await session.require(Doc, key), name, value)
    await session.commit()
    return "done"


async def _made(session: Session, key: int, name: str, value: Any) -> str:
    session.add(Doc(id=90, **{name: value}))
    await session.commit()
    async with Session(session.context.bindings) as program:
        await program.delete(Doc.where(Doc.id == 90))
    return "done"


async def _put_inside(session: Session, key: int, name: str, value: Any) -> str:
    held: Any = getattr(await session.require(Doc, key), name)
    if name == "marks":
        held[:] = value
    else:
        held.team = value.team
    await session.commit()
    return "done"


async def _edits_of_ends(asking: Asking) -> AsyncIterator[Cell]:
    """A paper that the user may not read is as one that is not there, where it is put to an other end."""
    user = asking.user
    for team in TEAMS:
        for end in ENDS:
            absent = await asking.told(_asked(_added, team, end, _ABSENT))  # type: ignore[arg-type]
            for doc in DOCS:
                if sees(user, doc):
                    continue
                told = await asking.told(_asked(_added, team, end, doc["id"]))
                await _put(asking, doc["id"], doc["team"])
                yield Cell(user, f"record {doc['id']}", f"session edit of {end}", told != absent, False)


async def _added(session: Session, team: int, end: str, key: int) -> str:
    getattr(await session.require(Team, team), end).add(key)
    await session.commit()
    return "done"


async def _later(asking: Asking) -> AsyncIterator[Cell]:
    """The same of a change that nobody waits for."""
    user, own = asking.user, own_paper(asking.user)
    if user in ("nobody", "auditor"):
        return
    for door, path in (("of a filter", f"docs?id={own}"), ("of several", "docs")):
        told = {}
        for team in (_ABSENT, *TEAMS):
            patch: Any = {"marks": [{"team": team}]}
            body = patch if "?" in path else [{"key": own, "patch": patch}]
            headers = {"x-user": user, "prefer": "respond-async"}
            answer = await asking.client.request("PATCH", f"/{path}", json=body, headers=headers)
            report = await over(asking.client, answer, user) if answer.status == 202 else json.loads(answer.body)
            told[team] = [report.get(name) for name in ("state", "failed", "failures", "result", "reason", "errors")]
            await _put(asking, own, next(doc["team"] for doc in DOCS if doc["id"] == own))
        for team in TEAMS:
            may = sees_team(user, team)
            is_kept = "?" not in path and team == (2 if own == 1 else None)
            is_same = told[team] == told[_ABSENT]
            yield Cell(
                user, f"marks {team}", f"reference later {door}", not (may or is_same or is_kept), may and is_same
            )


async def _patches(asking: Asking) -> AsyncIterator[Cell]:
    """JSON Patch into a value: what a hidden one holds is neither tested, copied nor changed."""
    user, own = asking.user, own_paper(asking.user)
    headers = {"x-user": user, "content-type": "application/json-patch+json"}
    team = next(doc["team"] for doc in DOCS if doc["id"] == own)
    operations: dict[str, list[dict[str, Any]]] = {
        "test": [{"op": "test", "path": "/{name}/shelf", "value": "cellar"}],
        "test of a reference": [{"op": "test", "path": "/{name}/team", "value": team}],
        "copy": [{"op": "copy", "from": "/{name}/shelf", "path": "/title"}],
        "add": [{"op": "add", "path": "/{name}/team", "value": None}],
        "remove": [{"op": "remove", "path": "/{name}/shelf"}],
    }
    for door, made in operations.items():
        told = {}
        for name in ("stash", UNKNOWN):
            body = json.dumps(made).replace("{name}", name).encode()
            told[name] = await asking.client.request("PATCH", f"/docs/{own}", body=body, headers=headers)
            await _put(asking, own, team)
            async with asking.app.session() as session:
                (await session.require(Doc, own)).title = next(doc["title"] for doc in DOCS if doc["id"] == own)
        is_unknown = said(told["stash"], "stash") == said(told[UNKNOWN], UNKNOWN)
        may = user in FIELDS["stash"][2 if door in ("add", "remove") else 0] and user != "auditor"
        is_hidden = user not in FIELDS["stash"][0]
        is_leak = leaks(user, told["stash"].body) or (is_hidden and not is_unknown)
        yield Cell(user, "stash", f"{door} inside", is_leak, may and told["stash"].status != 200)


# --- what describes ---------------------------------------------------------------------------------------------------


async def _described(asking: Asking) -> AsyncIterator[Cell]:
    """Documents name the references inside values, and their other ends, to those who may read them."""
    user = asking.user
    document = await asking.get("openapi.json")
    components = json.loads(document.body)["components"]["schemas"]
    parameters = json.loads(document.body)["paths"].get("/docs", {}).get("get", {}).get("parameters", ())
    named = {each.get("name") for each in parameters}
    told = await _meta(asking, "docs")
    in_document = {each["name"] for each in components.get("Doc.Record", {}).get("x-references", ())}
    for name, readers in INSIDE.items():
        may = user in readers
        for door, found in (("meta", told), ("document", in_document)):
            yield Cell(user, name, f"references of {door}", name in found and not may, may and name not in found)
        is_denied = may and name not in named and name != "marks.team"  # of lists, documents have no filters
        yield Cell(user, name, "parameters of document", name in named and not may, is_denied)
    told = await _meta(asking, "teams")
    in_document = {each["name"] for each in components.get("Team.Record", {}).get("x-references", ())}
    for end, reference in ENDS.items():
        may = user in INSIDE[reference]
        for door, found in (("meta", told), ("document", in_document)):
            is_named = end in found or f'"{end}' in document.body.decode()
            yield Cell(user, end, f"ends of {door}", is_named and not may, may and end not in found)


async def _meta(asking: Asking, collection: str) -> set[str]:
    """The references that are told of a collection, and those that can be included."""
    answer = await asking.get(f"{collection}/_meta")
    found = json.loads(answer.body) if answer.status == 200 else {}
    return {each["name"] for each in found.get("references", ())} | set(found.get("includes", ()))
