"""Two offices that differ only in what a user may not read, and random requests that must not tell them apart."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from holdall import Holdall, Policy, Role, me
from holdall.query import Query
from holdall.store import Change, Verb
from holdall.testing.client import Client
from holdall.testing.wrapping import wrap_store
from tests.support.authorisation_of_jobs import over
from tests.support.office import LAYOUTS, TEAMS, Doc, Mark, Spot, Team, add_names, who
from tests.support.office import POLICY as OFFICE

__all__ = ["Worlds"]


def _led(team: int | None) -> Any:
    """A reference to a team, by its number."""
    return team


_FIELDS = ("title", "owner", "status", "pages", "score", "is_final", "place", "marks", "team", "id")
_SECRETS = ("margin", "remark", "source", "stash")
_VISIBLE = [
    {"id": 1, "title": "a", "owner": "ann", "pages": 3, "team": 2, "place": Spot(_led(2)), "marks": [Mark(_led(7))]},
    {"id": 2, "title": "b", "owner": "ann", "pages": 9, "team": 1, "place": Spot(_led(1)), "marks": [Mark(_led(3))]},
    {"id": 3, "title": "c", "owner": "ann", "pages": 9, "team": None, "place": Spot(_led(5)), "marks": [Mark(_led(6))]},
    {"id": 4, "title": "b", "owner": "ann", "pages": 1, "team": 3, "place": Spot(_led(7)), "marks": []},
]
"""Of the teams, 1 is led by Tom and 7 by Ann; of 5 and 6 each world has one, which nobody here may read."""
_INSIDE = [
    "place.team",
    "place.team.name",
    "place.team.lead",
    "place.team.budget",
    "place.team.docs.title",
    "place.team.placed.title",
    "marks.team",
    "marks.team.name",
    "stash.team",
    "stash.team.name",
    "team.marked.title",
    "team.stashed.title",
]
_NUMBERS = ("team", "pages", "margin", "source", "budget", "id")
_HIDDEN = range(20, 40)
_COUNTED = ("docs", "teams")  # notes of jobs are looked at whenever somebody has time for it


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def fetch(self, query: Any) -> Any:
        self.calls += query.collection in _COUNTED
        return await self._store.fetch(query)

    async def count(self, query: Any) -> Any:
        self.calls += query.collection in _COUNTED
        return await self._store.count(query)

    async def noted_count(self, collection: str) -> int:
        """Of all records, hidden ones too; large enough to be told where it may be."""
        return 20_000 + int(await self._store.count(Query(collection)))

    async def apply(self, changes: Any) -> Any:
        self.calls += any(change.collection in _COUNTED for change in changes)
        return await self._store.apply(changes)


class Worlds:
    """Two worlds and who asks them."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.apps: list[Holdall] = []
        self.clients: list[Client] = []

    async def make(self, layout: str, folder: Path, seed: int) -> None:
        """Make both; ``seed`` says how they differ."""
        for number in (0, 1):
            place = folder / str(number)
            place.mkdir()
            app = await _world(layout, place, random.Random(f"{seed} {number}"), number)
            self.apps.append(app)
            self.clients.append(Client(app.asgi(authenticate=who, docs=False, secret=b"s" * 32)))

    async def close(self) -> None:
        for app in self.apps:
            await app.close()

    def calls(self) -> list[int]:
        return [sum(getattr(store, "calls", 0) for store in app.stores.values()) for app in self.apps]

    async def differing(self, chance: random.Random, number: int, most: int | None = None) -> list[str]:
        """The requests that are answered otherwise in the one world than in the other, ``most`` of them at most."""
        found = list[str]()
        for _ in range(number):
            if len(found) == most:
                break
            method, path, body, headers = request(chance)
            sent = b"" if body is None else json.dumps(body).encode()
            given = (
                {"x-user": self.user}
                | headers
                | ({"content-type": headers.get("content-type", "application/json")} if sent else {})
            )
            before, answers = self.calls(), []
            for client in self.clients:
                answer = await client.request(method, path, body=sent, headers=given)
                new = ("x-request-id", "location") if answer.status == 202 else ("x-request-id",)
                told = {name: value for name, value in answer.headers.items() if name not in new}
                body = _steady(answer.body) if answer.status != 202 else await _end(client, answer, self.user)
                answers.append((answer.status, sorted(told.items()), body))
            made = [after - earlier for after, earlier in zip(self.calls(), before, strict=True)]
            if answers[0] != answers[1] or made[0] != made[1]:
                found.append(f"{method} {path} {body}: {answers} {made}")
        return found


async def _end(client: Client, accepted: Any, user: str) -> bytes:
    """What the report on a job tells once it is over, but for what is new each time."""
    report = await over(client, accepted, user)
    return json.dumps({name: value for name, value in report.items() if name not in ("id", "created")}).encode()


def _steady(body: bytes) -> bytes:
    """A body without what is new each time."""
    if b"urn:uuid:" not in body:
        return body
    told = json.loads(body)
    return json.dumps({name: value for name, value in told.items() if name != "instance"}).encode()


def _rules(policy: Policy) -> dict[str, Any]:
    return {right.value: rule for right, rule in policy._parts[0].rules.items()}


async def _world(layout: str, folder: Path, chance: random.Random, number: int) -> Holdall:
    docs, teams, is_made = LAYOUTS[layout](folder)
    app = Holdall("office")
    app.add_store("main", docs)
    if layout == "scattered":
        app.add_store("other", teams)
    deleted = Role("boss") | (Doc.owner == "ann")
    policy = Policy(**_rules(OFFICE) | {"delete": deleted}, fields=OFFICE._parts[0].fields)
    led = Role("boss") | (Team.lead == me.id)
    teams_policy = Policy(**_rules(TEAMS) | {"update": led, "delete": led}, fields=TEAMS._parts[0].fields)
    app.add(Team, store="other" if layout == "scattered" else "main", policy=teams_policy)
    app.add(Doc, store="main", policy=policy)
    add_names(app)
    if is_made:
        await app.create()
    for name in list(app.stores):
        wrap_store(app, name, Counted)
    async with app.session() as session:
        session.add_all(
            Team(id=key, name=chance.choice("xyz"), lead=chance.choice(["eve", "bob"]), budget=chance.randrange(99))
            for key in range(2, 7)
        )
        session.add(Team(id=1, name="y", lead="tom", budget=chance.randrange(99)))
        session.add(Team(id=7, name="x", lead="ann", budget=chance.randrange(99)))
    async with app.session() as session:
        hidden = [
            Doc(
                id=key,
                title=chance.choice("abc"),
                owner=chance.choice(["eve", "bob"]),
                pages=chance.randrange(12),
                team=chance.randrange(2, 5),
                place=Spot(_led(chance.choice([1, 2, 7, 7]))),
                marks=[Mark(_led(chance.choice([1, 2, 7, 7]))) for _ in range(chance.randrange(3))],
            )
            for key in _HIDDEN
            if chance.random() < 0.7 or key == _HIDDEN[0]
        ]
        session.add_all([*[Doc(**doc) for doc in _VISIBLE], *hidden])  # type: ignore[arg-type]
    async with app.session() as session:
        for doc in await session.query(Doc.where()):
            doc.margin, doc.remark = chance.randrange(9), chance.choice(["", "r", "s"])
            doc.source = chance.choice([None, 1, _HIDDEN[0]])
            doc.stash = chance.choice([None, Spot(_led(chance.choice([None, 1, 2, 7])), chance.choice("rs"))])
    await app.bindings.of_name("teams").store.apply([Change(Verb.REMOVE, "teams", 6 - number)])
    return app


def request(chance: random.Random) -> tuple[str, str, Any, dict[str, str]]:
    """A random request: method, path, body, headers; some of those that write are not to be waited for."""
    if chance.random() < 0.03:
        key, action = chance.choice([1, 2, 3, *_HIDDEN[:2], 99]), chance.choice(["recite", "peek", "close"])
        return "POST", f"/docs/{key}/actions/{action}", {}, {"prefer": "respond-async"}
    method, path, body, headers = _request(chance)
    if method in ("POST", "PATCH", "DELETE") and chance.random() < 0.2:
        headers = headers | {"prefer": "respond-async"}
    return method, path, body, headers


def _request(chance: random.Random) -> tuple[str, str, Any, dict[str, str]]:
    key = chance.choice([1, 2, 3, 4, *_HIDDEN[:3], 35, 99, 50, 51])
    kind = chance.random()
    if kind < 0.55:
        return "GET", "/" + _list(chance), None, {}
    if kind < 0.65:
        headers = {} if chance.random() < 0.7 else {chance.choice(["if-none-match", "if-match"]): '"x"'}
        return (
            chance.choice(["GET", "HEAD"]),
            f"/docs/{key}{chance.choice(['', '?fields=title', '?include=team'])}",
            None,
            headers,
        )
    given = {
        name: _value(chance, name) for name in chance.sample([*_FIELDS[:-1], *_SECRETS, "zzz"], chance.randrange(1, 3))
    }
    if kind < 0.78:
        door = chance.random()
        if door < 0.3:
            operations = [
                {"op": chance.choice(["add", "test"]), "path": f"/{name}", "value": value}
                for name, value in given.items()
            ]
            if chance.random() < 0.3:
                place, team = chance.choice(["place/team", "marks/0/team", "marks/-", "stash/team"]), _team(chance)
                operations[0] |= {"path": f"/{place}", "value": {"team": team} if place == "marks/-" else team}
            return "PATCH", f"/docs/{key}", operations, {"content-type": "application/json-patch+json"}
        if door < 0.5:
            return "PATCH", "/docs", [{"key": key, "patch": given}, {"key": 1, "patch": {}}], {}
        if door < 0.7:
            given = {"marks": [{"team": _team(chance)}]} if chance.random() < 0.6 else given
            return "PATCH", f"/docs?{chance.choice([f'id={key}', _filter(chance)])}", given, {}
        return "PATCH", f"/docs/{key}", given, {}
    if kind < 0.9:
        own = {"id": chance.randrange(50, 54), **given}
        return ("POST", "/docs", own, {}) if chance.random() < 0.6 else ("PUT", f"/docs/{own['id']}", own, {})
    if kind < 0.94:
        return "DELETE", chance.choice([f"/docs/{key}", f"/docs/{key}", "/teams/1", "/teams/7"]), None, {}
    if kind < 0.98:
        return _named(chance, key)
    path = chance.choice(["/teams", "/teams/1", "/teams/7", "/teams/7"])
    if chance.random() < 0.5:
        end = chance.choice(["docs", "docs", "placed", "marked", "stashed"])
        return "PATCH", path, {end: {chance.choice(["connect", "disconnect"]): [key]}}, {}
    return chance.choice(["POST", "PATCH", "DELETE"]), path, {"id": 7 if path[-1] == "7" else 1, "name": "q"}, {}


def _named(chance: random.Random, key: int) -> tuple[str, str, Any, dict[str, str]]:
    """A request for an action or a selection."""
    action = chance.choice(["peek", "peek", "tell", "recite", "close", "audit", "zzz"])
    selection = chance.choice(["papers", "papers", "titled", "margins", "zzz"])
    kind = chance.random()
    if kind < 0.3:
        return "POST", f"/docs/{key}/actions/{action}", {}, {}
    if kind < 0.5:
        return "POST", f"/docs/actions/{action}?{_filter(chance)}", {}, {}
    if kind < 0.6:
        return "POST", f"/docs/actions/tell?selection={selection}&{_filter(chance)}", {}, {}
    parts = [_filter(chance)] if chance.random() < 0.3 else []
    parts += [
        chance.choice(["pages=3", "sort=-title", "sort=margin", "page_size=1", "page_size=2&after=", "format=csv"])
    ]
    return "GET", f"/docs/selections/{selection}?{'&'.join(parts)}", None, {}


def _team(chance: random.Random) -> int | None:
    return chance.choice([None, 1, 2, 5, 5, 6, 20, 88])


def _value(chance: random.Random, name: str) -> Any:
    if name in ("team", "source"):
        return _team(chance)
    if name in ("place", "stash"):
        return chance.choice([None, {"shelf": "r"}, *[{"team": _team(chance)}] * 3])
    if name == "marks":
        return [{"team": _team(chance), "count": 2} for _ in range(chance.randrange(3))]
    if name in ("title", "status", "remark", "owner"):
        return chance.choice(["a", "b", "ann", "eve", "draft"])
    return {"pages": 4, "margin": 3, "score": 0.0, "is_final": True}.get(name, 1)


def _filter(chance: random.Random) -> str:
    names = [*_FIELDS, *_SECRETS, "team.name", "team.lead", "team.docs.title", "team.budget", "source.title"]
    name = chance.choice(names if chance.random() < 0.7 else _INSIDE)
    suffix = chance.choice(["", "__ne", "__gt", "__lte", "__isnull", "__in", "__contains"])
    value = "true" if suffix == "__isnull" else chance.choice(["1", "3", "a", "ann", "x"])
    if suffix != "__isnull" and name.endswith(_NUMBERS) and chance.random() < 0.7:
        value = chance.choice("1235679")  # which alone fits there
    return f"{name}{suffix}={value}"


def _list(chance: random.Random) -> str:
    model = chance.choice(["docs", "docs", "docs", "teams"])
    parts = [_filter(chance) for _ in range(chance.choice([0, 0, 1, 1, 2]))] if model == "docs" else []
    if model == "teams" and chance.random() < 0.4:
        end = chance.choice(["docs", "placed", "marked", "stashed"])
        other = chance.choice(["id=20", "title=a", "pages__gt=5"])
        parts.append(chance.choice([f"{end}.{other}", f"{end}__isnull=true", f"not=({end}.{other})"]))
    if chance.random() < 0.3:
        parts.append(f"or=({_filter(chance)},{_filter(chance)})" if model == "docs" else "or=(name=x,docs.title=a)")
    if chance.random() < 0.15:
        column = chance.choice(["rows", "pages.sum", "margin.max", "team.name.min", "place.team.name.max"])
        groups = ["team.name", "title", "remark", "owner,status", "place.team", "place.team.name"]
        by = chance.choice(["", *[f"&group={name}" for name in groups]])
        return f"docs?{'&'.join([*parts, f'aggregate={column}'])}{by}"
    sorts = ["title", "-pages", "team.name", "-team.lead", "margin", "source.title", "id", "name"]
    sorts += ["place.team.name", "-place.team.lead", "stash.team.name", "-place.team"]
    if model == "teams":
        sorts = ["name", "-id", "lead", "budget", "title"]
    if chance.random() < 0.5:
        parts.append("sort=" + ",".join(chance.sample(sorts, chance.choice([1, 1, 2]))))
    if chance.random() < 0.3:
        parts.append(
            chance.choice(
                ["page_size=1", "page_size=2&page=2", "page_size=2&after=", "count=none", "count=estimated&page_size=1"]
            )
        )
    if chance.random() < 0.3:
        shown = ["team", "team.docs(sort=title)", "docs", "source"]
        inside = [
            "place.team",
            "marks.team",
            "stash.team",
            "place.team.placed(sort=-title)",
            "placed",
            "marked(page_size=1)",
        ]
        if model == "teams" and chance.random() < 0.8:
            shown = inside = ["docs(sort=title)", "placed", "marked(page_size=1)", "placed(fields=id)", "marked.source"]
        parts.append("include=" + chance.choice(shown if chance.random() < 0.5 else [*inside, "stashed"]))
    if chance.random() < 0.2:
        parts.append("fields=" + ",".join(chance.sample(["id", "title", "team", "margin", "remark"], 2)))
    if chance.random() < 0.05:
        parts.append("format=csv")
    return f"{model}?{'&'.join(parts)}"
