"""Tools for assistants in the two worlds and at the matrix: no tool tells of what its user may not read."""

from __future__ import annotations

import json
import random
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, User
from holdall.cli.assistants import MisusedTool, Service, answered, tools_of
from tests.support.office import DOCS, FIELDS, INSIDE, SENTINELS, USERS, office, sees
from tests.support.policy_worlds import Worlds

pytestmark = pytest.mark.anyio

_CALLS = 60
_NAMES = (*FIELDS, *INSIDE, "zzz")


def service_for(app: Holdall, user: User) -> Service:
    async def who(scope: MutableMapping[str, Any]) -> User:
        return user

    return Service(app.asgi(authenticate=who, docs=False, secret=b"s" * 32))


async def told(service: Service, name: str, arguments: dict[str, Any]) -> Any:
    """The status and content of a call, or the sentence that refuses it."""
    try:
        reply = await answered(service, name, arguments)
    except MisusedTool as error:
        return str(error)
    content = reply.content
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name != "instance"}
    return reply.status, content


def call(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A random tool with random arguments, right or wrong."""
    key, name = chance.choice([1, 2, 3, 4, 20, 21, 22, 99]), chance.choice(_NAMES)
    given = {name: chance.choice([1, "a", None, True])}
    filters = {f"{name}{chance.choice(['', '__ne', '__gt', '__isnull'])}": chance.choice([1, "a", "true"])}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("docs_list", {"filters": filters, "page_size": chance.choice([1, 3, 100])}),
        ("docs_list", {"sort": [chance.choice(["", "-"]) + name], "fields": ["id", chance.choice(_NAMES)]}),
        ("docs_list", {"include": [chance.choice(["team", "source", "place.team", "stash.team", "zzz"])]}),
        ("docs_get", {"key": key}),
        ("docs_get", {"key": key, "fields": [name]}),
        ("teams_get", {"key": chance.choice([1, 2, 5, 7]), "include": [chance.choice(["docs", "placed", "stashed"])]}),
        ("docs_create", {"record": {"id": chance.randrange(50, 54), **given}}),
        ("docs_update", {"key": key, "changes": given, "etag": '"x"'}),
        ("docs_update", {"key": key, "changes": given}),
        ("docs_delete", {"key": key}),
        ("docs_select_papers", {"filters": filters, "sort": [name]}),
        ("docs_select_margins", {}),
        (f"docs_act_{chance.choice(['peek', 'close', 'audit', 'zzz'])}", {"key": key}),
        ("docs_act_tell", {"filters": filters}),
    ]
    return chance.choice(calls)


async def differing(user: User, asked: User, folder: Path) -> list[str]:
    """The tools and calls of a user that are answered otherwise in the one world than in the other."""
    worlds = Worlds("ann")
    await worlds.make("memory", folder, 0)
    try:
        services = [service_for(app, asked) for app in worlds.apps]
        listed = [
            {name: (tool.description, json.dumps(tool.schema)) for name, tool in (await tools_of(service)).items()}
            for service in services
        ]
        found = [] if listed[0] == listed[1] else ["tools"]
        chance = random.Random(str(user.id))
        for _ in range(_CALLS):
            name, arguments = call(chance)
            answers = [await told(service, name, arguments) for service in services]
            if answers[0] != answers[1]:
                found.append(f"{name} {arguments}: {answers}")
        return found
    finally:
        await worlds.close()


@pytest.mark.parametrize("user", ["ann", "nobody"])
async def test_no_tool_tells_the_worlds_apart(user: str, tmp_path: Path) -> None:
    assert await differing(USERS[user], USERS[user], tmp_path) == []


async def test_a_tool_that_acts_for_another_user_is_seen(tmp_path: Path) -> None:
    assert len(await differing(USERS["ann"], USERS["boss"], tmp_path)) > 5


async def test_the_matrix_of_tools(tmp_path: Path) -> None:
    """Who, which field or record, by which tool."""
    app = await office("memory", tmp_path)
    try:
        for user, known in USERS.items():
            service = service_for(app, known)
            tools = await tools_of(service)
            shown = json.dumps([[tool.name, tool.description, tool.schema] for tool in tools.values()])
            listed = await told(service, "docs_list", {"page_size": 100})
            data = listed[1]["data"] if "docs_list" in tools else []
            for name, (readers, *_) in FIELDS.items():
                is_told = f'"{name}"' in shown or f" {name}," in shown or f" {name}." in shown
                assert (user in readers) or not is_told, (user, name)
                if user not in readers and user != "nobody":
                    unknown = [await told(service, "docs_list", {"filters": {each: 1}}) for each in (name, "zzzz")]
                    assert json.dumps(unknown[0]).replace(name, "zzzz") == json.dumps(unknown[1]), (user, name)
                    assert not any(str(SENTINELS[name]) in json.dumps(doc) for doc in data if name in doc)
            for doc in DOCS:
                is_seen = (await told(service, "docs_get", {"key": doc["id"]}))[0] == 200
                assert is_seen == sees(user, doc), (user, doc)
                assert any(each["id"] == doc["id"] for each in data) == sees(user, doc)
    finally:
        await app.close()
