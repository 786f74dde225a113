"""The lists that a user has saved under names, asked for and changed by the REST service."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from holdall.admin.addresses import query_text
from holdall.admin.described import Described
from holdall.admin.filters import address_of
from holdall.admin.list_address import Parameters
from holdall.admin.saved_lists import MOST_SAVED, SavedList
from holdall.admin.visit import Visit

__all__ = ["SavedLink", "saved_of", "saved_path"]


class SavedLink(msgspec.Struct, frozen=True):
    """A saved list: its key, name and address, and whether it is the one that is open. Example: :func:`saved_of`."""

    id: str
    name: str
    href: str
    is_here: bool


def saved_path(visit: Visit) -> str:
    """The path of saved lists in the REST service; nothing where the application keeps none, or this user may not."""
    name = visit.site.collections.get(SavedList.__name__, "")
    return f"/{name}" if visit.shown_collections.get(name, {}).get("create") else ""


async def saved_of(visit: Visit, described: Described, kept: Parameters) -> list[SavedLink]:
    """Return the lists of a collection that the user has saved, by name. Example: ``docs/back-office.md``."""
    path = saved_path(visit)
    if not path:
        return []
    query = [("of", described.collection), ("sort", "name"), ("page_size", str(MOST_SAVED)), ("after", "")]
    answer = await visit.ask("GET", path, query=query_text(query))
    here = query_text(sorted(kept))
    found = []
    for each in answer.json["data"] if answer.is_good else []:
        parameters = parse_qsl(each["query"], keep_blank_values=True)
        is_here = query_text(sorted(parameters)) == here
        found.append(SavedLink(each["id"], each["name"], address_of(visit, described, parameters), is_here))
    return found
