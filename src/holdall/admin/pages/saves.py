"""Saving the filters and the order of a list under a name, and forgetting them."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

from starlette.responses import Response

from holdall.admin.addresses import query_text
from holdall.admin.described import Described
from holdall.admin.drafts import read_form
from holdall.admin.filters import address_of
from holdall.admin.forms import typed
from holdall.admin.saved_lists import MOST_SAVED
from holdall.admin.saving import saved_of, saved_path
from holdall.admin.visit import Refused, Visit

__all__ = ["save_page"]


async def save_page(visit: Visit, described: Described) -> Response:
    """``/save/books``, by POST: a list is saved under a name, in the place of one of this name, or forgotten."""
    path = saved_path(visit)
    if visit.request.method != "POST" or not path:
        raise Refused(404)
    sent = typed(await read_form(visit, visit.site.limits.max_body))
    visit.demand_token(sent.own)
    query = parse_qsl(sent.own.get("_query", ""), keep_blank_values=True)
    kept = [(name, value) for name, value in query if not name.startswith("_")]
    item, name = sent.own.get("_forget", ""), sent.own.get("_name", "").strip()
    if item:
        await visit.demand("DELETE", f"{path}/{quote(item, safe='')}")
    elif name:
        known = await saved_of(visit, described, kept)
        same = [each for each in known if each.name == name]
        if len(known) >= MOST_SAVED and not same:
            raise Refused(409, visit.words("You have saved {number} lists here; forget one first.", number=MOST_SAVED))
        made = {"of": described.collection, "name": name, "query": query_text(kept)}
        await visit.demand("POST", path, json=made)
        for each in same:
            await visit.ask("DELETE", f"{path}/{each.id}")
    address = address_of(visit, described, kept)
    said = "forgotten" if item else "kept" if name else "nameless"
    return visit.go_to(f"{address}{'&' if '?' in address else '?'}_said={said}")
