"""The menu: collections under the headings that their views have, and the pages for operators."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from holdall.admin.described import labelled
from holdall.admin.visit import Visit

__all__ = ["OPERATIONS", "Link", "has_operation", "menu_of"]

OPERATIONS = {
    "stores": "Stores",
    "commits": "Unfinished commits",
    "outbox": "Outbox",
    "jobs": "Jobs",
    "fsck": "Check of records",
    "accounts": "Accounts",
}
"""The pages for operators, by the end of their paths."""


class Link(msgspec.Struct, frozen=True):
    """A line of the menu. Example: :func:`menu_of`."""

    text: str
    href: str
    is_here: bool
    is_within: bool = False  # a selection, below its collection


def menu_of(visit: Visit) -> list[tuple[str, list[Link]]]:
    """Return the headings and lines of the menu for a user. Example: ``docs/back-office.md``."""
    path = visit.request.scope["path"]
    groups = dict[str, list[Link]]()
    for collection, rights in visit.shown_collections.items():
        view = visit.site.view_of(collection)
        if view.is_hidden or not rights.get("read"):
            continue
        href = visit.url("data", quote(collection))
        is_here = any(f"{path}/".startswith(f"{visit.url(verb, collection)}/") for verb in _WITHIN)
        links = groups.setdefault(view.menu, [])
        links.append(Link(view.title or labelled(collection), href, is_here))
        for selection in visit.site.app.by_name.selections.of(collection):
            if selection.is_for(visit.user):
                href = visit.url("select", quote(collection), quote(selection.name))
                links.append(Link(labelled(selection.name.replace("-", "_")), href, path == href, is_within=True))
    found = [(title, groups[title]) for title in sorted(groups)]
    if visit.is_operator:
        links = [
            Link(visit.words(text), visit.url("operations", name), path == visit.url("operations", name))
            for name, text in OPERATIONS.items()
            if has_operation(visit, name)
        ]
        found.append((visit.words("Operations"), links))
    return found


def has_operation(visit: Visit, name: str) -> bool:
    """Whether there is something that a page for operators is about."""
    match name:
        case "accounts":
            return visit.site.users is not None
        case "jobs":
            return bool(visit.site.app.jobs.names)
    return name in OPERATIONS


_WITHIN = ("data", "new", "edit", "delete", "act", "bulk", "history", "access")
