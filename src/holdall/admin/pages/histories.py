"""The changes of a record by its audit trail, and the rules that decide about it."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import Response

from holdall.admin.described import Described
from holdall.admin.effective import key_of
from holdall.admin.shown import Shown, shown
from holdall.admin.visit import Refused, Visit
from holdall.errors import Forbidden, HoldallError, StateError
from holdall.events import RecordChange, as_of, history
from holdall.model import Model
from holdall.policy import Right
from holdall.query import Key, Value

__all__ = ["access_page", "changes_of", "history_page", "values_then"]

_MOST = 100  # changes on a page


async def history_page(visit: Visit, described: Described, key: str) -> Response:
    """``/history/books/7``: the last changes of a record."""
    changes = await changes_of(visit, described, key, _MOST)
    record_name = await _record_name(visit, described, key)
    return visit.page("history.html", described=described, key=key, record_name=record_name, changes=changes)


class ShownChange(msgspec.Struct, frozen=True):
    """A change made ready for a page: when, by whom, and each field before and after. Example: :func:`changes_of`."""

    change: RecordChange
    at: str
    rows: list[tuple[str, Shown, Shown]]
    restore: str


async def changes_of(visit: Visit, described: Described, key: str, most: int) -> list[ShownChange]:
    """Return the last changes of a record, the latest first. Raises Refused where its trail is not for the user.

    Example: ``docs/back-office.md``.
    """
    entries, model, found = _trail(visit, described, key)
    try:
        async with visit.site.app.session(visit.user) as session:
            changes = await history(session, entries, model, found, limit=most)
    except Forbidden:
        raise Refused(404) from None
    told = []
    for change in changes:
        rows = [
            (
                described.by_name[name].label,
                shown(visit, described, described.by_name[name], each.before, key=key),
                shown(visit, described, described.by_name[name], each.after, key=key),
            )
            for name, each in change.changes.items()
            if name in described.by_name
        ]
        rows = [row for row in rows if any(each.form != "empty" for each in row[1:])]
        moment = change.at.astimezone(dt.UTC).isoformat()
        edit = visit.url("edit", quote(described.collection), key, _as_of=moment)
        told.append(ShownChange(change, visit.words.moment(change.at), rows, edit))
    return told


async def values_then(visit: Visit, described: Described, key: str, moment: str) -> dict[str, Value]:
    """The values of a record at a moment, as far as the user may see them. Raises Refused."""
    entries, model, found = _trail(visit, described, key)
    try:
        at = dt.datetime.fromisoformat(moment)
        async with visit.site.app.session(visit.user) as session:
            values = await as_of(session, entries, model, found, at)
    except (Forbidden, StateError, ValueError, HoldallError):
        raise Refused(404) from None
    return {name: value for name, value in (values or {}).items() if name in described.by_name}


async def access_page(visit: Visit, described: Described, key: str) -> Response:
    """``/access/books/7``: for operators, why a user may do something with a record, or may not."""
    if not visit.is_operator:
        raise Refused(404)
    login = visit.request.query_params.get("login", "").strip()
    finds = visit.site.app.finds_user
    user = visit.user if not login else await finds(login) if finds is not None else None
    binding = visit.site.app.bindings.of_name(described.collection)
    async with visit.site.app.session(visit.user) as session:
        record = await session.get(binding.model, key_of(visit, described, key))
        if record is None:
            raise Refused(404)
        reports = (
            []
            if user is None
            else [(right, await visit.site.app.explain_access(user, right, record)) for right in Right]
        )
    name = await _record_name(visit, described, key)
    return visit.page("access.html", described=described, key=key, record_name=name, login=login, reports=reports)


async def _record_name(visit: Visit, described: Described, key: str) -> str:
    """The name of a record, or its key where there is none any more."""
    answer = await visit.ask("GET", f"/{quote(described.collection)}/{key}")
    return described.name_of(answer.json) if answer.is_good else unquote(key)


def _trail(visit: Visit, described: Described, key: str) -> tuple[Value, type[Model], Key]:
    name = visit.site.trail_of(described.collection)
    if name not in visit.shown_collections:
        raise Refused(404)
    entries = visit.site.app.bindings.of_name(name).model
    return entries, visit.site.app.bindings.of_name(described.collection).model, key_of(visit, described, key)
