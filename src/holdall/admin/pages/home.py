"""The first page: what is counted and drawn, and the collections that there are."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from holdall.admin.described import labelled
from holdall.admin.tiles import tile_of
from holdall.admin.visit import Visit

__all__ = ["home_page"]


async def home_page(visit: Visit) -> Response:
    """``/``: the first page."""
    tiles = [await tile_of(visit, each) for each in visit.site.settings.dashboard]
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
