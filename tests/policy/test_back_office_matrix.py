"""Every user at the doors of the back office: no hidden field, no hidden record, and no denial of what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, FieldRights, Policy
from holdall.admin import Admin
from holdall.testing.client import Client
from tests.support.authorisation_matrix import UNFIT, UNKNOWN, leaks
from tests.support.office import DOCS, FIELDS, INSIDE, POLICY, USERS, office, sees, who

pytestmark = pytest.mark.anyio

_NAMED = ("data/docs?{name}__isnull=false", "data/docs?sort={name}", "export/docs/csv?sort=-{name}")
NAMES = {name: readers for name, (readers, _, _) in FIELDS.items()} | INSIDE
_PAGES = ("", "data/docs", "data/teams", "new/docs", "select/docs/papers", "export/docs/ndjson", "lookup/docs?q=1")


async def wrong(folder: Path, users: list[str], policy: Policy | None = None) -> list[str]:
    """The doors that give a user too much, or too little."""
    app = await office("memory", folder, policy)
    client = Client(app.asgi(authenticate=who, docs=False, admin=Admin(enter=Everyone)))
    found = list[str]()
    try:
        for user in users:
            for address in _PAGES:
                body = (await client.get(f"/admin/{address}", x_user=user)).body
                found += [f"{user} {address} leaks"] if leaks(user, body) else []
            for doc in DOCS:
                key = doc["id"]
                answer = await client.get(f"/admin/data/docs/{key}", x_user=user)
                expected = 200 if sees(user, doc) else 404
                found += [f"{user} {key}: {answer.status}"] if answer.status != expected else []
                found += [f"{user} {key} leaks"] if leaks(user, answer.body) else []
            for address in _NAMED:
                unknown = (await client.get(f"/admin/{address.format(name=UNKNOWN)}", x_user=user)).status
                for name, readers in NAMES.items():
                    status = (await client.get(f"/admin/{address.format(name=name)}", x_user=user)).status
                    may = user in readers and not ("sort=" in address and name in UNFIT)
                    if (status == unknown) is may:
                        found.append(f"{user} {address} {name}: {status}")
    finally:
        await app.close()
    return found


async def test_no_door_leaks_or_denies_wrongly(tmp_path: Path) -> None:
    assert await wrong(tmp_path, ["ann", "clerk", "boss"]) == []


async def test_a_field_shown_to_the_wrong_user_is_found(tmp_path: Path) -> None:
    rights = {**POLICY._parts[0].fields, "margin": FieldRights()}
    rest: dict[str, Any] = {right.value: rule for right, rule in POLICY._parts[0].rules.items()}
    found = await wrong(tmp_path, ["ann"], Policy(**rest, fields=rights))
    assert any("margin" in each for each in found)
    assert any("leaks" in each for each in found)


def test_the_users_are_those_of_the_matrix() -> None:
    assert {"ann", "clerk", "boss"} <= set(USERS)
