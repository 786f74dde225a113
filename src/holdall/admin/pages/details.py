"""One record: all that its reader may see, what refers to it, and what can be done with it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from holdall.admin.addresses import query_text
from holdall.admin.described import Described
from holdall.admin.effective import effective_rights
from holdall.admin.forms import groups_of
from holdall.admin.pages.histories import ShownChange, changes_of
from holdall.admin.relations import OtherEnd, named, other_ends
from holdall.admin.shown import shown
from holdall.admin.visit import Refused, Visit
from holdall.query import Value

__all__ = ["detail_page"]

_FEW = 10  # records of another end that are shown on the page
_LATEST = 3  # changes


async def detail_page(visit: Visit, described: Described, key: str) -> Response:
    """``/data/books/7``: a record."""
    path = f"/{quote(described.collection)}/{key}"
    answer = await visit.ask("GET", path)
    if answer.status == 500 and str(answer.json.get("type", "")).endswith(":unreadable"):
        return visit.page("unreadable.html", 200, described=described, key=key, problem=answer.json)
    if not answer.is_good:
        answer = await visit.demand("GET", path)
    record = answer.json
    names = await named(visit, described, key)
    ends = await _ends(visit, described, key, record)
    shown_below = {end["name"] for end in ends}
    fields = [each for each in described.fields if each.name in record and each.name not in shown_below]
    cells = {each.name: shown(visit, described, each, record[each.name], names=names, key=key) for each in fields}
    return visit.page(
        "detail.html",
        described=described,
        key=key,
        record_name=described.name_of(record),
        groups=groups_of(described, fields),
        cells=cells,
        record=record,
        ends=ends,
        acts=[each for each in described.actions if each["available"] and each["on"] in ("one", "each")],
        tag=answer.tag,
        may=await effective_rights(visit, described, key),
        changes=await _latest(visit, described, key),
    )


async def _latest(visit: Visit, described: Described, key: str) -> list[ShownChange] | None:
    """The latest changes of a record; None where its trail is not for this user."""
    if visit.site.trail_of(described.collection) not in visit.shown_collections:
        return None
    try:
        return await changes_of(visit, described, key, _LATEST)
    except Refused:
        return None


async def _ends(visit: Visit, described: Described, key: str, record: dict[str, Value]) -> list[dict[str, Value]]:
    """The records at the other ends of references, a few of each, and the list that has all of them."""
    found = []
    for name, end in other_ends(visit.site.app.bindings, described.collection).items():
        if name not in described.others:
            continue
        target = await visit.described_if_any(end.collection)
        if target is None:
            continue
        page = await _some(visit, described, key, end, target)
        if page is None:
            continue
        rows = [
            {"name": target.name_of(each), "href": visit.url("data", quote(target.collection), target.segment(each))}
            for each in page["data"]
        ]
        label = described.by_name[name].label if name in described.by_name else name.replace("_", " ").capitalize()
        more = ""
        if end.back is not None:
            more = (
                visit.url("data", quote(target.collection))
                + "?"
                + query_text([(end.back, _key_text(described, record))])
            )
        new = ""
        if end.back is not None and target.rights.get("create") and len(described.key) == 1:
            new = (
                visit.url("new", quote(target.collection))
                + "?"
                + query_text([(end.back, str(record.get(described.key[0])))])
            )
        found.append({"name": name, "label": label, "rows": rows, "is_cut": page["more"], "all": more, "new": new})
    return found


async def _some(
    visit: Visit, described: Described, key: str, end: OtherEnd, target: Described
) -> dict[str, Value] | None:
    wanted = [*target.key, *([target.naming] if target.naming else [])]
    inclusion = f"{end.name}(page_size={_FEW};fields={','.join(dict.fromkeys(wanted))})"
    query = query_text([("fields", ",".join(described.key)), ("include", inclusion)])
    answer = await visit.ask("GET", f"/{quote(described.collection)}/{key}", query=query)
    found = answer.json.get(end.name) if answer.is_good else None
    return found if isinstance(found, dict) and "data" in found else None


def _key_text(described: Described, record: dict[str, Value]) -> str:
    """A key as a filter has it: its parts with commas between them."""
    parts = [str(record.get(name)) for name in described.key]
    return parts[0] if len(parts) == 1 else ",".join(part.replace("\\", "\\\\").replace(",", "\\,") for part in parts)
