"""Removing a record, after a question."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from holdall.admin.described import Described
from holdall.admin.drafts import read_form
from holdall.admin.forms import typed
from holdall.admin.visit import Refused, Visit

__all__ = ["delete_page"]


async def delete_page(visit: Visit, described: Described, key: str) -> Response:
    """``/delete/books/7``: the question, and by POST the removal of the record as it was shown."""
    if not described.rights.get("delete"):
        raise Refused(403)
    path = f"/{quote(described.collection)}/{key}"
    if visit.request.method != "POST":
        answer = await visit.ask("GET", path)
        if not answer.is_good and not str(answer.json.get("type", "")).endswith(":unreadable"):
            raise Refused(answer.status, answer=answer)
        name = described.name_of(answer.json) if answer.is_good else key
        return visit.page("delete.html", described=described, key=key, record_name=name, tag=answer.tag, refused="")
    sent = typed(await read_form(visit, visit.site.limits.max_body))
    visit.demand_token(sent.own)
    tag = sent.own.get("_tag", "")
    answer = await visit.ask("DELETE", path, headers={"if-match": tag} if tag else {})
    if answer.status == 501 and tag:
        now = await visit.ask("GET", path)
        answer = await visit.ask("DELETE", path) if now.tag == tag else now
    if answer.is_good:
        return visit.go("data", quote(described.collection), _said="removed")
    if answer.status not in (409, 412):
        raise Refused(answer.status, answer=answer)
    now = await visit.demand("GET", path)
    detail = visit.words(str(answer.json.get("detail", "")))
    name = described.name_of(now.json)
    return visit.page(
        "delete.html", answer.status, described=described, key=key, record_name=name, tag=now.tag, refused=detail
    )
