"""Actions on one record, on chosen ones, on all that meet the filters of a list, or on nothing; removals of many."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import Response

from holdall.admin.acting import chosen_filters, defaults_of, fields_of, named_of, path_of
from holdall.admin.addresses import query_of, query_text
from holdall.admin.described import Described, FieldInfo
from holdall.admin.drafts import read_form
from holdall.admin.forms import Filled, Group, Typed, filled, placed, read_changes, refused_errors, typed
from holdall.admin.inner import Answer
from holdall.admin.kinds import Node
from holdall.admin.lasting import Lasting, done_soon
from holdall.admin.outcomes import outcome_of
from holdall.admin.visit import Refused, Visit
from holdall.query import Value

__all__ = ["act_page", "bulk_page"]

_TOLD = (400, 403, 409, 412, 413, 422, 428, 503, 504)
_ACT = "act."
_PLACE = "<!-- result -->"


class _Deed(msgspec.Struct):
    """One action to be confirmed: on which records, where it is asked for, and the page that it came from."""

    title: str
    help: str
    fields: list[FieldInfo]
    usual: dict[str, Value]
    method: str
    path: str
    query: str = ""
    count: int | None = None
    is_removal: bool = False
    back: str = ""


async def act_page(visit: Visit) -> Response:
    """``/act/books/vote/7`` and ``/act/books/import``: an action on one record, or on nothing."""
    if len(visit.parts) not in (2, 3):
        raise Refused(404)
    described = await visit.described(unquote(visit.parts[0]))
    action = named_of(described.actions, unquote(visit.parts[1]))
    key = visit.parts[2] if len(visit.parts) == 3 else None
    if action is None or (action["on"] not in ("one", "each") if key is not None else action["on"] != "nothing"):
        raise Refused(404)
    back = visit.url("data", quote(described.collection), *([key] if key is not None else []))
    deed = _deed(visit, described, action, key)
    deed.back = back
    return await _confirmed(visit, described, deed)


async def bulk_page(visit: Visit, described: Described) -> Response:
    """``/bulk/books?…``: an action, or a removal, of chosen records or of all that meet the filters."""
    given = query_of(visit.request)
    own = dict(given)
    filters = [(name, value) for name, value in given if not name.startswith("_") and name not in ("sort", "page_size")]
    keys = [value for name, value in given if name == "_key"]
    if own.get("_which") == "chosen":
        if not keys:
            return visit.go("data", quote(described.collection), _said="nothing")
        filters = chosen_filters(described, keys)
    name = own.get("_act", "")
    if name == "delete" and described.rights.get("delete"):
        path = f"/{quote(described.collection)}"
        deed = _Deed(visit.words("Remove"), "", [], {}, "DELETE", path, is_removal=True)
    else:
        action = named_of(described.actions, name.removeprefix(_ACT))
        if action is None or action["on"] not in ("each", "all"):
            raise Refused(404)
        deed = _deed(visit, described, action, None)
    counted = await visit.demand(
        "GET", f"/{quote(described.collection)}", query=query_text([*filters, ("page_size", "1"), ("count", "exact")])
    )
    deed.count, deed.query = counted.json["total_count"], query_text(filters or _everything(described))
    deed.back = visit.url("data", quote(described.collection))
    return await _confirmed(visit, described, deed)


def _everything(described: Described) -> list[tuple[str, str]]:
    """A filter that every record meets, where a request must have one."""
    return [(f"{described.key[0]}__isnull", "false")]


def _deed(visit: Visit, described: Described, action: Node, key: str | None) -> _Deed:
    fields = fields_of(action["inputs"], described.schemas, visit.site.collections)
    usual = defaults_of(action["inputs"], described.schemas)
    return _Deed(
        str(action["label"]), str(action["title"]), fields, usual, "POST", path_of(described, str(action["name"]), key)
    )


async def _confirmed(visit: Visit, described: Described, deed: _Deed) -> Response:
    if visit.request.method != "POST":
        return _form(visit, described, deed, filled(deed.fields, deed.usual, visit.words))
    sent = typed(await read_form(visit, visit.site.limits.max_body))
    visit.demand_token(sent.own)
    if deed.count is not None and sent.own.get("_count") != str(deed.count):
        told = visit.words("There are others now than there were: {number}. Look again.", number=deed.count)
        return _form(visit, described, deed, Filled(sent.inputs, {"": [told]}), 409)
    values, errors = read_changes(deed.fields, sent, deed.usual, visit.words, is_new=True)
    if errors:
        return _form(visit, described, deed, Filled(sent.inputs, placed(errors, deed.fields, visit.words)), 422)
    work = asyncio.create_task(_done(visit, deed, values))
    if not await done_soon(work):
        return _lasting(visit, described, deed, work)
    answer = work.result()
    if not answer.is_good:
        return _refused(visit, described, deed, sent, answer)
    if deed.is_removal:
        return visit.go("data", quote(described.collection), _said="removed")
    kind = answer.headers.get("content-type", "")
    if answer.body and "json" not in kind:
        name = answer.headers.get("content-disposition", "attachment")
        return Response(answer.body, headers={"content-type": kind, "content-disposition": name})
    return visit.page(
        "done.html", described=described, deed=deed, answer=answer, outcome=outcome_of(visit, described, answer)
    )


def _lasting(visit: Visit, described: Described, deed: _Deed, work: asyncio.Task[Answer]) -> Response:
    """The page of an action that takes its time: the result comes on the same page."""
    whole = visit.site.render("acting.html", visit=visit, _=visit.words, described=described, deed=deed, place=_PLACE)
    head, _, tail = whole.partition(_PLACE)

    def told(answer: Answer) -> str:
        return visit.site.render(
            "outcome.html", visit=visit, _=visit.words, answer=answer, outcome=outcome_of(visit, described, answer)
        )

    return Lasting(work, head, told, tail)


async def _done(visit: Visit, deed: _Deed, values: dict[str, Value]) -> Answer:
    headers = {"if-match": "*"} if deed.is_removal else {}
    if deed.count is not None:
        headers["prefer"] = f"max-affected={max(deed.count, 1)}"
    body = None if deed.is_removal else values
    return await visit.ask(deed.method, deed.path, query=deed.query, json=body, headers=headers)


def _refused(visit: Visit, described: Described, deed: _Deed, sent: Typed, answer: Answer) -> Response:
    if answer.status not in _TOLD:
        raise Refused(answer.status, answer=answer)
    errors = refused_errors(answer, deed.fields, visit.words)
    return _form(visit, described, deed, Filled(sent.inputs, errors), answer.status)


def _form(visit: Visit, described: Described, deed: _Deed, form: Filled, status: int = 200) -> Response:
    groups = [Group("", deed.fields)] if deed.fields else []
    return visit.page("act.html", status, described=described, deed=deed, groups=groups, form=form)
