"""An office whose papers are under every kind of rule; and, said once more and plainly, who may what."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, cast

import msgspec

from holdall import (
    ANONYMOUS,
    Action,
    ActionPolicy,
    All,
    Authenticated,
    BlobFile,
    Context,
    Each,
    Everyone,
    FieldRights,
    File,
    Holdall,
    Many,
    Model,
    Nobody,
    OnDelete,
    One,
    Owner,
    Policy,
    Ref,
    Role,
    User,
    back,
    field,
    file,
    me,
    param,
)
from holdall.errors import HoldallError

__all__ = [
    "CONTENTS",
    "DOCS",
    "ENDS",
    "FIELDS",
    "FILES",
    "INSIDE",
    "LAYOUTS",
    "SCANS",
    "SENTINELS",
    "THROUGH",
    "USERS",
    "VERBS",
    "Doc",
    "Mark",
    "Recite",
    "Scan",
    "Spot",
    "Team",
    "Tell",
    "add_names",
    "files",
    "office",
    "placed",
    "sees",
    "sees_team",
    "who",
]


class Team(Model, collection="teams"):
    id: int = field(pk=True)
    name: str = ""
    lead: str = ""
    budget: int = 0
    docs: Many[Doc] = back("team")
    placed: Many[Doc] = back("place.team")
    marked: Many[Doc] = back("marks.team", on_delete=OnDelete.CASCADE)
    stashed: Many[Doc] = back("stash.team", on_delete=OnDelete.UNLINK)


class Spot(msgspec.Struct):
    """Where a paper lies."""

    team: Ref[Team | None] = cast("Any", None)
    shelf: str = ""


class Mark(msgspec.Struct):
    """That a team has looked at a paper."""

    team: Ref[Team]
    count: int = 1


class Doc(Model, collection="docs"):
    id: int = field(pk=True)
    title: str = ""
    owner: str = ""
    status: str = "draft"
    pages: int = 0
    margin: int = 0
    remark: str = ""
    score: float = 0.0
    is_final: bool = False
    team: Ref[Team | None] = field(default=None)
    source: Ref[Doc | None] = field(default=None)
    place: Spot | None = None
    marks: list[Mark] = field(default_factory=list)
    stash: Spot | None = None


class Peek(Action[Doc], on=Each):
    async def run(self, context: Context, doc: Doc) -> Doc:
        return doc


class Tell(Action[Doc], on=All):
    async def run(self, context: Context, docs: list[Doc]) -> list[int]:
        return [doc.id for doc in docs]


class Close(Action[Doc], on=One):
    async def run(self, context: Context, doc: Doc) -> str:
        doc.pages = doc.pages
        return doc.status


class Audit(Action[Doc], on=One):
    """An action that speaks of what only some may read."""

    async def run(self, context: Context, doc: Doc) -> bool:
        return True


class Recite(Action[Doc], on=One):
    """Give all that the action can find out about a paper."""

    async def run(self, context: Context, doc: Doc) -> list[str]:
        return [*map(str, doc.to_dict().items()), *(f"{name} {_read(doc, name)}" for name in Doc.__holdall__.by_name)]


def _read(doc: Doc, name: str) -> object:
    try:
        return getattr(doc, name)
    except HoldallError as error:
        return type(error).__name__


def add_names(app: Holdall) -> None:
    """Actions and selections that any reader may have, and some that speak of what is hidden."""
    app.add_action(Peek, ActionPolicy(execute=Everyone))
    app.add_action(Tell, ActionPolicy(execute=Everyone))
    app.add_action(Recite, ActionPolicy(execute=Everyone))
    app.add_action(Close, ActionPolicy(see=Everyone, execute=Owner("owner") | Role("boss")))
    app.add_action(Audit, ActionPolicy(see=Role("boss"), execute=Role("boss") & (Doc.margin > 0)))
    app.add_selection("papers", Doc.where(Doc.pages >= param("pages", int, 0)))
    app.add_selection("titled", Doc.where().sort(Doc.title).only(Doc.id, Doc.title))
    app.add_selection("margins", Doc.where(Doc.margin > 0).only(Doc.id, Doc.title))


class Scan(Model, collection="scans"):
    id: int = field(pk=True)
    owner: str = ""
    team: Ref[Team | None] = field(default=None)
    page: File | None = file("scans")
    verdict: File | None = file("scans")
    seal: File | None = file("scans")
    note: BlobFile | None = file()


USERS = {
    "nobody": ANONYMOUS,
    "ann": User("ann"),
    "tom": User("tom"),
    "clerk": User("cleo", roles=frozenset({"clerk"})),
    "auditor": User("udo", roles=frozenset({"auditor"})),
    "boss": User("bo", roles=frozenset({"boss", "clerk"})),
}
"""Ann has papers, Tom leads a team, clerks write all, auditors read all, the boss may everything."""

_ALL = Role("boss", "auditor", "clerk")
POLICY = Policy(
    read=_ALL | Owner("owner") | (Doc.team.lead == me.id),
    create=Authenticated & ~Role("auditor"),
    update=Role("boss", "clerk") | Owner("owner") | (Doc.team.lead == me.id),
    delete=Role("boss"),
    fields={
        "margin": FieldRights(read=Role("boss", "auditor"), write=Role("boss")),
        "remark": FieldRights(read=_ALL, write=Role("clerk")),
        "source": FieldRights(read=_ALL),
        "stash": FieldRights(read=_ALL, write=Role("clerk")),
        "owner": FieldRights(write=Role("boss"), preset=me.id),
        "status": FieldRights(create=Nobody),
        "score": FieldRights(write=Nobody),
    },
)
TEAMS = Policy(
    read=_ALL | (Team.lead == me.id),
    write=Role("boss"),
    fields={"budget": FieldRights(read=Role("boss"))},
)

SCANS = Policy(
    read=_ALL | Owner("owner") | (Scan.team.lead == me.id),
    create=Authenticated & ~Role("auditor"),
    update=Role("boss", "clerk") | Owner("owner") | (Scan.team.lead == me.id),
    delete=Role("boss"),
    fields={
        "verdict": FieldRights(read=Role("boss", "auditor"), write=Role("boss")),
        "seal": FieldRights(write=Nobody),
        "note": FieldRights(read=_ALL),
    },
)

_ALL_NAMES = {"ann", "tom", "clerk", "auditor", "boss"}
_READERS = {"clerk", "auditor", "boss"}
FIELDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    # who may read it, who may give it when a paper is made, who may change it
    "id": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, set()),
    "title": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "owner": (_ALL_NAMES, {"boss"}, {"boss"}),
    "status": (_ALL_NAMES, set(), _ALL_NAMES - {"auditor"}),
    "pages": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "margin": ({"auditor", "boss"}, {"boss"}, {"boss"}),
    "remark": (_READERS, {"clerk", "boss"}, {"clerk", "boss"}),
    "score": (_ALL_NAMES, set(), set()),
    "is_final": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "team": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "source": (_READERS, {"clerk", "boss"}, {"clerk", "boss"}),
    "place": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "marks": (_ALL_NAMES, _ALL_NAMES - {"auditor"}, _ALL_NAMES - {"auditor"}),
    "stash": (_READERS, {"clerk", "boss"}, {"clerk", "boss"}),
}
"""The expectation, which the policy above must bear out; a field that is not here fails the suite."""

INSIDE = {name: FIELDS[name.partition(".")[0]][0] for name in ("place.team", "marks.team", "stash.team")}
"""Who may read the references inside values: whoever may read the value."""

THROUGH = {
    "place.team.name": (_ALL_NAMES, "zzzz.team.name"),
    "place.team.budget": ({"boss"}, "place.team.zzzz"),
    "stash.team.name": (_READERS, "zzzz.team.name"),
}
"""Who may read what lies beyond them, and a name that nothing has, as which it is answered to everybody else."""

ENDS = {"placed": "place.team", "marked": "marks.team", "stashed": "stash.team"}
"""The other ends of those, at the teams."""

VERBS: dict[str, dict[str, set[str]]] = {
    # who might do it with some paper
    "/docs": {
        "get": _ALL_NAMES,
        "post": _ALL_NAMES - {"auditor"},
        "patch": _ALL_NAMES,
        "delete": {"boss"},
    },
    "/docs/{key}": {"get": _ALL_NAMES, "put": _ALL_NAMES, "patch": _ALL_NAMES, "delete": {"boss"}},
    "/docs/_meta": {"get": _ALL_NAMES},
    "/docs/_check": {"post": _ALL_NAMES - {"auditor"}, "patch": _ALL_NAMES},
    "/docs/{key}/actions/peek": {"post": _ALL_NAMES},
    "/docs/actions/tell": {"post": _ALL_NAMES},
    "/docs/{key}/actions/close": {"post": _ALL_NAMES},
    "/docs/{key}/actions/audit": {"post": {"boss"}},
    "/docs/selections/papers": {"get": _ALL_NAMES},
    "/docs/selections/margins": {"get": {"auditor", "boss"}},
    "/teams": {"get": _ALL_NAMES, "post": {"boss"}, "patch": {"boss"}, "delete": {"boss"}},
    "/scans/{key}/verdict": {"get": {"auditor", "boss"}, "put": {"boss"}, "delete": {"boss"}},
    "/scans/{key}/seal": {"get": _ALL_NAMES, "put": set(), "delete": set()},
}
"""The operations of the document, as the policies and the actions below bear them out."""

FILES: dict[str, tuple[set[str], set[str]]] = {
    # who may read it of a scan that he may read, who may write it to one that he may change
    "page": (_ALL_NAMES, _ALL_NAMES - {"auditor"}),
    "verdict": ({"auditor", "boss"}, {"boss"}),
    "seal": (_ALL_NAMES, set()),
    "note": (_READERS, {"clerk", "boss"}),
}
CONTENTS = {name: f"content of {name}" for name in FILES}

SENTINELS: dict[str, Any] = {"margin": 770077, "remark": "lantern", "budget": 990099, "source": 4, "stash": "cellar"}
"""Values that nobody sees but those who may read these fields."""

DOCS: list[dict[str, Any]] = [
    {"id": 1, "title": "a", "owner": "ann", "team": 2},
    {"id": 2, "title": "b", "owner": "eve", "team": 1},
    {"id": 3, "title": "c", "owner": "tom", "team": None},
    {"id": 4, "title": "d", "owner": "eve", "team": 2},
    {"id": 5, "title": "e", "owner": "ann", "team": 1},
]
_SECRET: dict[str, Any] = {"margin": SENTINELS["margin"], "remark": SENTINELS["remark"], "source": 4}


def placed(team: int | None, shelf: str = "") -> dict[str, Any]:
    """The values of a paper that has to do with a team: where it lies, who has looked, what is hidden of that."""
    given: Any = team
    return {"place": Spot(given, shelf), "marks": [] if team is None else [Mark(given)], "stash": Spot(given, "cellar")}


def files() -> dict[str, Any]:
    """A file for each field of a scan."""
    made = {name: File(content, name=f"{name}.txt") for name, content in CONTENTS.items()}
    return made | {"note": BlobFile(CONTENTS["note"])}


def sees(user: str, doc: dict[str, Any]) -> bool:
    """Whether somebody may read a paper."""
    if user in _READERS:
        return True
    return bool(doc["owner"] == user or (user == "tom" and doc["team"] == 1))


def sees_team(user: str, key: int) -> bool:
    """Whether somebody may read a team; Tom leads the first."""
    return user in _READERS or (user == "tom" and key == 1)


LAYOUTS: dict[str, Callable[[Path], tuple[str, str, bool]]] = {
    "memory": lambda folder: ("memory:", "memory:", False),
    "sqlite": lambda folder: (f"sqlite:///{folder}/office.db", "", True),
    "scattered": lambda folder: (f"sqlite:///{folder}/docs.db", "memory:", True),
}


async def who(scope: MutableMapping[str, Any]) -> User:
    """The user whom a header names."""
    return USERS[dict(scope["headers"]).get(b"x-user", b"nobody").decode()]


async def office(layout: str, folder: Path, policy: Policy | None = None, scans: Policy = SCANS) -> Holdall:
    """The office, with its papers, in one store or two."""
    docs, teams, is_made = LAYOUTS[layout](folder)
    app = Holdall("office")
    app.add_store("main", docs)
    if teams and layout == "scattered":
        app.add_store("other", teams)
    app.add(Team, store="other" if layout == "scattered" else "main", policy=TEAMS)
    app.add(Doc, store="main", policy=policy or POLICY)
    add_names(app)
    app.add(Scan, store="main", policy=scans)
    app.add_files("scans", "memory:")
    if is_made:
        await app.create()
    async with app.session() as session:
        session.add_all(
            [
                Team(id=1, name="north", lead="tom", budget=SENTINELS["budget"]),
                Team(id=2, name="south", lead="eve", budget=SENTINELS["budget"]),
            ]
        )
    async with app.session() as session:
        session.add_all([Doc(**doc, **_SECRET, **placed(doc["team"])) for doc in DOCS])
        for doc in DOCS:
            session.add(Scan(id=doc["id"], owner=doc["owner"], team=doc["team"], **files()))
    return app
