"""Cells of the authorisation matrix for doors that describe: tags, ``/_meta`` and the OpenAPI document.

A tag must not say that something changed which the user may not read, nor confirm a guess of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any, cast

from tests.support.authorisation_matrix import Asking, Cell, leaks, own_paper
from tests.support.office import DOCS, FIELDS, SENTINELS, VERBS, Doc, Mark, Spot, placed, sees

__all__ = ["OTHERS", "descriptions"]

_SECRETS = {name: SENTINELS[name] for name in ("margin", "remark", "source")}
OTHERS: dict[str, Any] = {
    "title": "other",
    "owner": None,
    "status": "sent",
    "pages": 9,
    "margin": 770078,
    "remark": "lamp",
    "score": 2.0,
    "is_final": True,
    "team": None,
    "source": 2,
    "place": Spot(shelf="other"),
    "marks": [Mark(cast("Any", 1), 7), Mark(cast("Any", 2))],
    "stash": Spot(shelf="cave"),
}
"""Another value for each field that may change, None where another would change who sees the record."""

_TAG_DOORS = {
    "tag": "docs/{key}",
    "tag of fields": "docs/{key}?fields=id,{names}",
    "tag of list": "docs?id={key}",
    "tag of export": "docs?format=csv&id={key}",
}


async def descriptions(asking: Asking) -> AsyncIterator[Cell]:
    """Every cell of one user."""
    async for cell in _tags(asking):
        yield cell
    async for cell in _conditions(asking):
        yield cell
    async for cell in _records(asking):
        yield cell
    async for cell in _meta(asking):
        yield cell
    async for cell in _document(asking):
        yield cell


async def _tags(asking: Asking) -> AsyncIterator[Cell]:
    """A tag changes with what the user reads, and with nothing else."""
    user, own = asking.user, own_paper(asking.user)
    names = ",".join(name for name, (readers, _, _) in FIELDS.items() if user in readers and name != "id")
    for door, path in _TAG_DOORS.items():
        if user == "nobody":
            continue
        before = await _tag(asking, path.format(key=own, names=names))
        assert before is not None or door == "tag of export"  # which is a stream
        for name, other in OTHERS.items():
            if other is None:
                continue
            await _set(asking, own, name, other)
            after = await _tag(asking, path.format(key=own, names=names))
            await _set(asking, own, name, _first(own)[name])
            may, is_told = user in FIELDS[name][0], after != before
            yield Cell(user, name, door, is_told and not may, may and before is not None and not is_told)


async def _conditions(asking: Asking) -> AsyncIterator[Cell]:
    """The tag of somebody who reads all is no way to confirm a guess of what is hidden."""
    user = asking.user
    for doc in DOCS:
        key = doc["id"]
        whole = await _tag(Asking(asking.app, asking.client, "boss"), f"docs/{key}")
        assert whole is not None
        is_same = user == "boss" or (user == "auditor")
        for door, method, header, done in (
            ("if none match", "GET", "if-none-match", 304),
            ("if match", "PATCH", "if-match", 200),
        ):
            given = {"x-user": user, header: whole, "content-type": "application/json"}
            body = b"{}" if method == "PATCH" else b""
            said, absent = [
                await asking.client.request(method, f"/docs/{each}", body=body, headers=given) for each in (key, 777)
            ]
            is_confirmed = said.status == done
            is_leak = (is_confirmed and not is_same) or (
                not sees(user, doc) and (said.status, said.body) != (absent.status, absent.body)
            )
            may = is_same and (method == "GET" or user == "boss")
            yield Cell(user, f"tag of record {key}", door, is_leak, may and not is_confirmed)


async def _records(asking: Asking) -> AsyncIterator[Cell]:
    """The tag of a list changes with the records that the user sees."""
    before = await _tag(asking, "docs")
    for doc in DOCS:
        await _set(asking, doc["id"], "pages", 9)
        after = await _tag(asking, "docs")
        await _set(asking, doc["id"], "pages", 0)
        may, is_told = sees(asking.user, doc), after != before
        yield Cell(asking.user, f"record {doc['id']}", "tag of all", is_told and not may, may and not is_told)


async def _meta(asking: Asking) -> AsyncIterator[Cell]:
    user = asking.user
    answer = await asking.get("docs/_meta")
    text = answer.body.decode() if answer.status == 200 else "{}"
    told = {each["name"]: each for each in json.loads(text).get("fields", [])}
    for name, (readers, makers, changers) in FIELDS.items():
        may = user in readers
        is_named = f'"{name}"' in text if not may and name not in ("id", "title") else name in told
        yield Cell(user, name, "meta", (is_named and not may) or leaks(user, answer.body), may and not is_named)
        for door, users in (("create", makers), ("update", changers)):
            said = bool(told.get(name, {}).get(door))
            might = user in users or (user == "auditor" and door == "update")  # who could have a paper of his own
            yield Cell(user, name, f"meta {door}", said and not might, may and user in users and not said)
    listed = await asking.get("_meta")
    names = {each["name"] for each in json.loads(listed.body)["collections"]}
    may = user != "nobody"
    yield Cell(user, "docs", "meta of all", "docs" in names and not may, may and "docs" not in names)
    teams = await asking.get("teams/_meta")
    is_told = b'"budget"' in teams.body or (user != "boss" and '"budget"' in text)
    yield Cell(user, "budget", "meta of teams", is_told and user != "boss", user == "boss" and not is_told)


async def _document(asking: Asking) -> AsyncIterator[Cell]:
    """The document tells what the user may do, and names nothing that is hidden."""
    user = asking.user
    answer = await asking.get("openapi.json")
    text = answer.body.decode()
    document = json.loads(text)
    schemas, paths = document["components"]["schemas"], document["paths"]
    for name, (readers, makers, changers) in FIELDS.items():
        is_named = re.search(rf"\b{name}(?=\b|_)", text) is not None
        told = name in schemas.get("Doc.Record", {}).get("properties", {})
        may = user in readers | makers | changers
        is_leak = (is_named and not may and name in SENTINELS) or (told and user not in readers)
        yield Cell(user, name, "document", is_leak or leaks(user, answer.body), user in readers and not told)
        for which, users in (("Create", makers), ("Patch", changers)):
            said = name in schemas.get(f"Doc.{which}", {}).get("properties", {})
            might = user in users or (user == "auditor" and which == "Patch")  # who could have a paper of his own
            yield Cell(user, name, f"document {which}", said and not might, user in users and not said)
    for path, verbs in VERBS.items():
        for verb, users in verbs.items():
            said, may = verb in paths.get(path, {}), user in users
            yield Cell(user, f"{verb} {path}", "operation of document", said and not may, may and not said)
    said = '"budget"' in text
    yield Cell(user, "budget", "document", said and user != "boss", user == "boss" and not said)
    for path, item in paths.items():
        for verb, operation in item.items():
            if path.startswith("/docs") and isinstance(operation, dict) and "responses" in operation:
                is_told = bool(operation.get("security")) and "401" in operation["responses"]
                yield Cell(asking.user, f"{verb} {path}", "rights of document", False, not is_told)
                yield Cell(asking.user, f"{verb} {path}", "document of nobody", user == "nobody", False)


async def _tag(asking: Asking, path: str) -> str | None:
    answer = await asking.get(path)
    found: str | None = answer.headers.get("etag")
    return found


async def _set(asking: Asking, key: int, name: str, value: Any) -> None:
    async with asking.app.session() as session:
        setattr(await session.require(Doc, key), name, value)


def _first(key: int) -> dict[str, Any]:
    kept = next(each for each in DOCS if each["id"] == key)
    return {"status": "draft", "pages": 0, "score": 0.0, "is_final": False, **kept, **_SECRETS, **placed(kept["team"])}
