"""The first page: what is counted and drawn, and the collections that there are."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.responses import Response

from holdall.admin.addresses import query_text
from holdall.admin.described import labelled
from holdall.admin.views import Chart, Counter
from holdall.admin.visit import Visit
from holdall.query import Value

__all__ = ["home_page"]

_LONG = 1_000_000  # numbers beside bars that are told in short


async def home_page(visit: Visit) -> Response:
    """``/``: the first page."""
    tiles = [await _tile(visit, each) for each in visit.site.settings.dashboard]
    collections = [
        {
            "title": visit.site.view_of(name).title or labelled(name),
            "href": visit.url("data", quote(name)),
            "new": visit.url("new", quote(name)) if rights.get("create") else "",
            "help": visit.site.told(name),
        }
        for name, rights in visit.shown_collections.items()
        if rights.get("read") and not visit.site.view_of(name).is_hidden
    ]
    return visit.page("home.html", tiles=[each for each in tiles if each], collections=collections)


async def _tile(visit: Visit, wanted: Counter | Chart) -> Mapping[str, Value] | None:
    """One number, or one row of bars; none where the user may not read what it is about."""
    filters = parse_qsl(wanted.filters, keep_blank_values=True)
    asked = [*filters, ("aggregate", wanted.aggregate)]
    href = visit.url("data", quote(wanted.collection))
    if isinstance(wanted, Chart):
        asked += [("group", wanted.group), ("sort", f"-{wanted.aggregate}"), ("page_size", str(wanted.most))]
    answer = await visit.ask("GET", f"/{quote(wanted.collection)}", query=query_text(asked))
    if not answer.is_good:
        return None
    rows = answer.json["data"]
    if isinstance(wanted, Counter):
        number = rows[0][wanted.aggregate] if rows else 0
        link = f"{href}?{query_text(filters)}" if filters else href
        return {"title": wanted.title, "number": _text(visit, number), "href": link, "bars": []}
    most = max([float(row[wanted.aggregate] or 0) for row in rows], default=0) or 1
    bars = [
        {
            "label": "—" if row[wanted.group] is None else str(row[wanted.group]),
            "width": round(100 * max(float(row[wanted.aggregate] or 0), 0) / most, 1),
            "text": _short(visit, row[wanted.aggregate]),
            "whole": _text(visit, row[wanted.aggregate]),
            "href": f"{href}?{query_text([*filters, _meant(wanted.group, row[wanted.group])])}",
        }
        for row in rows
    ]
    return {"title": wanted.title, "number": None, "href": href, "bars": bars, "group": wanted.group}


def _meant(group: str, value: object) -> tuple[str, str]:
    if value is None:
        return (f"{group}__isnull", "true")
    return (group, str(value).lower() if isinstance(value, bool) else str(value))


def _short(visit: Visit, value: Value) -> str:
    is_long = isinstance(value, int | float) and abs(value) >= _LONG
    return visit.words.short(value) if is_long else _text(visit, value)


def _text(visit: Visit, value: Value) -> str:
    if value is None:
        return "—"
    return visit.words.number(value) if isinstance(value, int | float) else str(value)
