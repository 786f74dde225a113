"""The OpenAPI document as each user is shown it: the part that he may do, made once for all of the same rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, Field

from holdall import Authenticated, Nobody, Role
from holdall.errors import DeclarationError
from holdall.testing.client import Answer, Client
from holdall.web import documents
from holdall.web.openapi import access_of
from holdall.web.views import AsyncRestView, include_view
from tests.support.office import INSIDE, Doc, Team, office, who

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Any]:
    app = await office("memory", tmp_path)
    yield app
    await app.close()


async def ask(service: Any, user: str, path: str = "/openapi.json", **headers: str) -> Answer:
    given = {"x-user": user} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await Client(service).request("GET", path, headers=given)


async def document_of(service: Any, user: str) -> dict[str, Any]:
    answer = await ask(service, user)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def test_it_tells_what_the_user_may_do(app: Any) -> None:
    service = app.asgi(docs=False, authenticate=who)
    nobody, ann, boss = [await document_of(service, user) for user in ("nobody", "ann", "boss")]
    validate(ann)
    assert nobody["paths"] == {}
    assert nobody["components"]["securitySchemes"] == boss["components"]["securitySchemes"]
    assert set(ann["paths"]["/docs"]) == {"get", "post", "patch"}
    assert set(boss["paths"]["/docs"]) == {"get", "post", "patch", "delete"}
    assert set(ann["paths"]["/scans/{key}/seal"]) == {"parameters", "get"}
    for text in ("margin", "remark", "source", "stash", "verdict", "budget", "audit"):
        assert text not in str(ann)
        assert text in str(boss)
    assert ann["paths"]["/docs"]["post"]["responses"].keys() >= {"401", "403"}
    whole = service.openapi()
    assert whole["components"]["schemas"].keys() >= boss["components"]["schemas"].keys()
    assert set(whole["paths"]) == set(boss["paths"])


async def test_a_reference_to_what_may_not_be_read_leads_nowhere(app: Any) -> None:
    app.bindings.configure()
    binding = app.bindings.of_model(Doc)
    policy = app.bindings.of_model(Team).policy
    seen = access_of(binding, app.bindings, await who({"headers": [(b"x-user", b"ann")]}))
    assert (seen.closed, policy.is_simple) == (frozenset(), False)
    unread = access_of(binding, app.bindings, await who({"headers": []}))
    assert unread.closed == {"team", "source", *INSIDE}
    assert unread.is_empty


async def test_one_document_serves_all_of_the_same_rights(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, complete = list[int](), documents.Documents._complete

    def counted(self: Any, *rest: Any) -> Any:
        made.append(1)
        return complete(self, *rest)

    monkeypatch.setattr(documents.Documents, "_complete", counted)
    service = app.asgi(docs=False, authenticate=who)
    first = await ask(service, "ann")
    again = await ask(service, "tom")
    assert (first.body, len(made)) == (again.body, 1)
    assert (await ask(service, "ann", if_none_match=first.headers["etag"])).status == 304
    other = await ask(service, "boss", if_none_match=first.headers["etag"])
    assert (other.status, len(made)) == (200, 2)
    assert first.headers["cache-control"] == "private, no-cache"

    async def later() -> str:
        return "x"

    service.get("/later")(later)
    assert "/later" in (await document_of(service, "ann"))["paths"]


async def test_who_is_shown_it_and_how_much(app: Any) -> None:
    known = app.asgi(docs=False, authenticate=who, document=Authenticated)
    assert [(await ask(known, user)).status for user in ("nobody", "ann")] == [401, 200]
    assert (await ask(known, "nobody")).headers["www-authenticate"] == "Bearer"
    few = app.asgi(docs=False, authenticate=who, document=Role("boss"))
    assert [(await ask(few, user)).status for user in ("nobody", "ann", "boss")] == [401, 404, 200]
    assert (await ask(app.asgi(docs=False, authenticate=who, document=Nobody), "boss")).status == 404
    public = app.asgi(docs=False, authenticate=who, whole_document=True)
    assert await document_of(public, "nobody") == await document_of(public, "boss") == public.openapi()
    for wrong in (Doc.owner == "ann", "boss", lambda user, record: True):
        with pytest.raises(DeclarationError, match=r"document|by text"):
            app.asgi(document=wrong)
    assert app.asgi(docs=False, document=lambda user: True).settings.whole_document is False


class DocOut(BaseModel):
    id: int
    title: str = Field(alias="name")
    margin: int = 0
    remark: str = ""


class DocView(AsyncRestView[Doc]):
    prefix, model = "/papers", Doc


class ShownView(AsyncRestView[Doc]):
    prefix, model, schema = "/shown", Doc, DocOut


async def test_views_are_told_as_collections_are(app: Any) -> None:
    service = app.asgi(docs=False, authenticate=who)
    include_view(service, DocView)
    include_view(service, ShownView)
    nobody, ann, boss = [await document_of(service, user) for user in ("nobody", "ann", "boss")]
    assert "/papers" not in nobody["paths"]
    assert set(ann["paths"]["/papers"]) == {"get", "post", "patch"}
    shown = ann["paths"]["/shown/{key}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(shown["properties"]) == {"id", "name"}
    assert set(boss["paths"]["/papers"]) == {"get", "post", "patch", "delete"}
    assert "margin" not in str(ann)
    names = {each["name"] for each in boss["paths"]["/papers"]["get"]["parameters"]}
    assert {"margin", "margin__gt", "title"} <= names


async def test_links_lead_on(app: Any) -> None:
    service = app.asgi(docs=False, authenticate=who)
    boss, ann = await document_of(service, "boss"), await document_of(service, "ann")
    links = boss["paths"]["/docs"]["post"]["responses"]["201"]["links"]
    assert links["get"] == {"operationId": "docs_get", "parameters": {"key": "$response.body#/id"}}
    assert {"update", "delete", "list_docs_by_source"} <= links.keys()
    assert links.keys() - ann["paths"]["/docs"]["post"]["responses"]["201"]["links"].keys() == {
        "delete",
        "list_docs_by_source",
    }
    by_team = boss["paths"]["/teams/{key}"]["get"]["responses"]["200"]["links"]["list_docs_by_team"]
    assert by_team == {"operationId": "docs_list", "parameters": {"team": "$response.body#/id"}}


async def test_the_first_page_names_what_is_there_for_the_user(app: Any) -> None:
    service = app.asgi(docs=False, authenticate=who)
    assert set((await ask(service, "ann", "/")).json()["collections"]) == {"docs", "teams", "scans"}
