"""The authorisation matrix: every user, field, record and door; leaks 0, wrong denials 0."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from holdall import SYSTEM, FieldRights, Policy, Role
from holdall.app.long_actions import long_actions, work_on_action, work_on_request
from holdall.session import Relationship, Session, in_bulk
from holdall.session.judging import Judging
from holdall.session.references.visible_collections import VisibleCollections
from holdall.testing.client import Client
from holdall.web import documents, meta
from holdall.web.dialect import CONTROLS
from holdall.web.filters import OPERATORS
from holdall.web.openapi import EVERYTHING
from tests.support.authorisation_inside_values import BEYOND_DOORS, inside_values
from tests.support.authorisation_matrix import NAME_DOORS, RECORD_DOORS, Asking, Cell, matrix
from tests.support.authorisation_of_descriptions import OTHERS, descriptions
from tests.support.authorisation_of_files import of_files
from tests.support.authorisation_of_jobs import jobs
from tests.support.office import (
    ENDS,
    FIELDS,
    FILES,
    INSIDE,
    LAYOUTS,
    POLICY,
    SCANS,
    USERS,
    Doc,
    Scan,
    Team,
    office,
    who,
)

pytestmark = [pytest.mark.anyio, pytest.mark.early]

_WITHOUT_NAMES = {"formulas", "page", "page_size", "count", "or", "and", "not"}
_READING = {
    "get",
    "query",
    "first",
    "one",
    "count",
    "estimate",
    "exists",
    "rows",
    "stream",
    "refresh",
    "require",
    "readable",
    "explain",
    "act",
    "select",
}
_OTHER = {
    "load",
    "mend",
    "names_of",
    "sql",
    "native",
    "add",
    "add_all",
    "remove",
    "restore",
    "move",
    "respace",
    "register",
    "unregister",
    "attach",
    "rollback",
    "reset",
    "leave",
    "plan",
    "expand",
    "expect",
    "commit",
    "raise_for_status",
    "transaction",
    "savepoint",
    "flush",
    "update",
    "delete",
    "get_or_create",
    "upsert",
    "register_dao",
    "get_dao",
    "state",
    "register_model",
    "unregister_model",
    "register_query",
    "update_cache",
    "change_key",
    "formulas",
}


_PARTS = (of_files, descriptions, jobs, inside_values)


async def cells(
    layout: str, folder: Path, users: list[str] | None = None, policy: Policy | None = None, parts: Any = _PARTS
) -> list[Cell]:
    app = await office(layout, folder, policy)
    try:
        found = [cell async for cell in matrix(app, users)]
        client = Client(app.asgi(authenticate=who, docs=False))
        for user in users or USERS:
            for more in parts:
                found += [cell async for cell in more(Asking(app, client, user))]
        return found
    finally:
        await app.close()


def wrong(found: list[Cell]) -> list[Cell]:
    return [cell for cell in found if cell.is_leak or cell.is_denial]


@pytest.mark.parametrize(
    "layout, users", [("memory", ["nobody", "ann", "clerk", "tom"]), ("sqlite", ["nobody"]), ("scattered", ["nobody"])]
)
async def test_no_cell_leaks_or_denies_wrongly(layout: str, users: list[str], tmp_path: Path) -> None:
    found = await cells(layout, tmp_path, users)
    assert wrong(found) == []
    assert len(found) > 800 * len(users)


@pytest.mark.skipif(not os.environ.get("MATRIX"), reason="make matrix asks every cell")
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_the_whole_matrix(layout: str, tmp_path: Path) -> None:
    found = await cells(layout, tmp_path)
    assert wrong(found) == []
    assert len(found) * len(LAYOUTS) >= 10_000
    assert set(Counter(cell.user for cell in found)) == set(USERS)


def test_every_field_and_door_has_an_expectation() -> None:
    assert set(FIELDS) == {each.name for each in Doc.__holdall__.stored}
    assert set(FILES) == {each.name for each in Scan.__holdall__.stored if each.options.codec is not None}
    assert set(INSIDE) == set(Doc.__holdall__.nested)
    ends = {each.name: each.options.back for each in Team.__holdall__.relations}
    assert {end: back for end, back in ends.items() if back in INSIDE} == ENDS
    assert [suffix for suffix in OPERATORS if f"beyond {suffix}" not in BEYOND_DOORS] == []
    paths = " ".join(NAME_DOORS.values())
    assert [suffix for suffix in OPERATORS if f"__{suffix}=" not in paths] == []
    controls = set(CONTROLS) - _WITHOUT_NAMES
    assert [name for name in controls if f"{name}=" not in paths] == []
    verbs = {name for name in dir(Session) if not name.startswith("_")} - {"context", "user"}
    assert verbs - _READING - _OTHER == set()
    assert {name for name, other in OTHERS.items() if other is None} == {"owner", "team"}
    assert set(OTHERS) == set(FIELDS) - {"id"}
    asked = " ".join([*RECORD_DOORS, "session readable", "session explain"])
    assert [verb for verb in _READING if f"session {verb}" not in asked] == []


async def test_a_field_shown_to_the_wrong_user_is_found(tmp_path: Path) -> None:
    rights = {**POLICY._parts[0].fields, "margin": FieldRights()}
    rest: dict[str, Any] = {right.value: rule for right, rule in POLICY._parts[0].rules.items()}
    found = wrong(await cells("memory", tmp_path, ["ann"], Policy(**rest, fields=rights), [descriptions]))
    doors = {cell.door for cell in found if cell.is_leak and cell.subject == "margin"}
    assert {"filter gt", "tag", "tag of list", "meta"} <= doors


async def test_a_record_shown_to_the_wrong_user_is_found(tmp_path: Path) -> None:
    rest: dict[str, Any] = {right.value: rule for right, rule in POLICY._parts[0].rules.items()}
    policy = Policy(**{**rest, "read": Role("boss") | (Doc.pages >= 0)}, fields=POLICY._parts[0].fields)
    found = wrong(await cells("memory", tmp_path, ["ann"], policy, [descriptions]))
    assert {"record 2", "record 3", "record 4"} <= {cell.subject for cell in found if cell.is_leak}
    assert {"tag of all", "if match"} <= {cell.door for cell in found if cell.is_leak}


async def test_a_schema_that_names_what_is_hidden_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for room in (meta, documents):
        monkeypatch.setattr(room, "access_of", lambda *_: EVERYTHING)
    app = await office("memory", tmp_path)
    asking = Asking(app, Client(app.asgi(authenticate=who, docs=False)), "ann")
    found = wrong([cell async for cell in descriptions(asking)])
    hidden = {("meta", name) for name in ("margin", "remark", "source", "stash")}
    doors = {(cell.door, cell.subject) for cell in found}
    assert hidden <= doors
    assert {("document", "margin"), ("document Create", "score"), ("operation of document", "delete /docs")} <= doors
    await app.close()


async def test_a_file_shown_to_the_wrong_user_is_found(tmp_path: Path) -> None:
    rights = {**SCANS._parts[0].fields, "verdict": FieldRights()}
    rest: dict[str, Any] = {right.value: rule for right, rule in SCANS._parts[0].rules.items()}
    app = await office("memory", tmp_path, scans=Policy(**rest, fields=rights))
    asking = Asking(app, Client(app.asgi(authenticate=who, docs=False)), "ann")
    found = wrong([cell async for cell in of_files(asking)])
    assert {"file", "put of file"} <= {cell.door for cell in found if cell.is_leak and cell.subject == "verdict 1"}
    await app.close()


async def _nothing(*_: Any) -> None:
    return None


def _own_only(self: Any, relationship: Any, record: Any) -> Any:
    return () if relationship.field.root is not relationship.field else _KEYS(self, relationship, record)


_KEYS = Judging._new_keys

INSIDE_PLANTED: dict[str, tuple[Any, str, Any, set[tuple[str, str]]]] = {
    # what is broken, and cells that must tell so
    "references in bulk": (
        in_bulk,
        "demand_seen",
        _nothing,
        {("marks 1", "reference in update of a filter"), ("place 1", "session update of reference")},
    ),
    "references of records": (
        Judging,
        "_new_keys",
        _own_only,
        {
            ("place 1", "reference in update"),
            ("marks 1", "reference in create"),
            ("marks 1", "session inside of reference"),
        },
    ),
    "other ends": (
        Relationship,
        "is_hidden_at",
        lambda self, back, user: False,
        {("stashed", "end in filter"), ("stashed", "end in include"), ("stashed", "ends of meta")},
    ),
    "what lies beyond": (
        VisibleCollections,
        "guarded",
        lambda self, binding: None,
        {("place.team 2", "include"), ("place.team 1", "group beyond"), ("marks.team 1", "session where")},
    ),
}


@pytest.mark.parametrize("leak", INSIDE_PLANTED)
async def test_a_leak_by_a_reference_inside_a_value_is_found(
    leak: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, name, planted, told = INSIDE_PLANTED[leak]
    monkeypatch.setattr(place, name, planted)
    app = await office("memory", tmp_path)
    async with Client(app.asgi(authenticate=who, docs=False)) as client:
        found = [cell async for cell in inside_values(Asking(app, client, "ann"))]
    assert told <= {(cell.subject, cell.door) for cell in found if cell.is_leak}
    await app.close()


PLANTED: dict[str, tuple[Any, str, Any, set[str]]] = {
    # what is broken, and some doors that must tell so
    "reports for everybody": (long_actions, "is_kept", lambda user, kept: True, {"GET of job", "HEAD of job"}),
    "actions as the program": (work_on_action, "user_of", lambda kept: SYSTEM, {"recite later"}),
    "requests as the program": (work_on_request, "user_of", lambda kept: SYSTEM, {"change of several later"}),
}


@pytest.mark.parametrize("leak", PLANTED)
async def test_a_job_that_tells_the_wrong_user_is_found(
    leak: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = await office("memory", tmp_path)
    place, name, planted, doors = PLANTED[leak]
    monkeypatch.setattr(place, name, planted)
    async with Client(app.asgi(authenticate=who, docs=False)) as client:
        found = wrong([cell async for cell in jobs(Asking(app, client, "ann"))])
    assert doors <= {cell.door for cell in found if cell.is_leak}
    await app.close()


async def test_a_door_without_the_rule_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(VisibleCollections, "guarded", lambda self, binding: None)
    found = wrong(await cells("memory", tmp_path, ["ann"], parts=[]))
    assert {"get", "list", "count", "session get"} <= {cell.door for cell in found if cell.is_leak}
