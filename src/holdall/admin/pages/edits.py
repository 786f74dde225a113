"""Making and changing records by forms; a save over somebody else's change leads to the page of conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import JSONResponse, Response

from holdall.admin.addresses import query_of
from holdall.admin.described import Described, FieldInfo
from holdall.admin.drafts import RESUMED, draft_inputs, read_form
from holdall.admin.forms import (
    Filled,
    Typed,
    fields_for,
    filled,
    groups_of,
    placed,
    reachable,
    read_changes,
    refused_errors,
    typed,
)
from holdall.admin.kinds import Kind
from holdall.admin.pages.conflicts import conflict_page, settled
from holdall.admin.pages.histories import values_then
from holdall.admin.relations import named
from holdall.admin.sending import sent_record
from holdall.admin.shown import shown
from holdall.admin.visit import Refused, Visit
from holdall.errors import FieldError
from holdall.query import Value

__all__ = ["edit_page", "new_page"]


async def new_page(visit: Visit, described: Described) -> Response:
    """``/new/books``: a form for a new record."""
    if not described.rights.get("create"):
        raise Refused(403)
    fields = fields_for(described, "create")
    usual = visit.site.defaults(described.collection, fields)
    if visit.request.method != "POST":
        given = {f"f.{name}": [value] for name, value in query_of(visit.request)}
        form = filled(fields, usual, visit.words)
        return _form(visit, described, fields, Filled(form.inputs | given))
    sent = await _sent(visit, fields)
    if RESUMED in sent.own:
        return _form(visit, described, fields, Filled(sent.inputs))
    values, errors = read_changes(fields, sent, usual, visit.words, is_new=True)
    if errors:
        told = await _all_that_is_wrong(visit, "POST", described, fields, sent, values, errors)
        return _form(visit, described, fields, Filled(sent.inputs, told), 422)
    answer = await sent_record(visit, "POST", f"/{quote(described.collection)}", values, sent.files)
    if not answer.is_good:
        _demand_told(answer.status, answer)
        return _form(
            visit, described, fields, Filled(sent.inputs, refused_errors(answer, fields, visit.words)), answer.status
        )
    key = answer.headers.get("location", "").rpartition("/")[2]
    if "_within" in sent.own and key:
        made = await visit.ask("GET", f"/{quote(described.collection)}/{key}")
        if made.is_good:
            return JSONResponse({"key": described.reference_to(made.json), "name": described.name_of(made.json)})
    if "_another" in sent.own:
        return visit.go("new", quote(described.collection), _said="created")
    return visit.go("data", quote(described.collection), *([key] if key else []), _said="created")


async def edit_page(visit: Visit, described: Described, key: str) -> Response:
    """``/edit/books/7``: a form with the values of a record."""
    if not described.rights.get("update"):
        raise Refused(403)
    fields = fields_for(described, "update")
    path = f"/{quote(described.collection)}/{key}"
    if visit.request.method != "POST":
        record, tag = await _current(visit, path, fields)
        fields = [reachable(each, record.get(each.name)) for each in fields]
        form = filled(fields, record, visit.words)
        moment = visit.request.query_params.get("_as_of")
        if moment is not None:
            then = await values_then(visit, described, key, moment)
            form.inputs |= filled([each for each in fields if each.name in then], then, visit.words).inputs
        form.errors = {name: [visit.words("cannot be read as it is stored")] for name in record.get(_UNREADABLE, ())}
        return await _edit_form(visit, described, key, fields, form, record, tag)
    sent = await _sent(visit, fields)
    before, tag = _before(visit, sent), sent.own.get("_tag", "")
    fields = [reachable(each, before.get(each.name)) for each in fields]
    if RESUMED in sent.own:
        return await _edit_form(visit, described, key, fields, Filled(sent.inputs), before, tag)
    if not settled(visit, sent, fields, before):
        return await conflict_page(visit, described, key, fields, sent, before)
    values, errors = read_changes(fields, sent, before, visit.words, is_new=False)
    if errors:
        told = Filled(sent.inputs, await _all_that_is_wrong(visit, "PATCH", described, fields, sent, values, errors))
        return await _edit_form(visit, described, key, fields, told, before, tag, 422)
    if not values and not sent.files:
        return visit.go("data", quote(described.collection), key, _said="unchanged")
    answer = await sent_record(visit, "PATCH", path, values, sent.files, tag)
    if answer.status in (412, 409) and _is_stale(answer.json):
        return await conflict_page(visit, described, key, fields, sent, before)
    if not answer.is_good:
        _demand_told(answer.status, answer)
        told = Filled(sent.inputs, refused_errors(answer, fields, visit.words))
        return await _edit_form(visit, described, key, fields, told, before, tag, answer.status)
    return visit.go("data", quote(described.collection), key, _said="saved")


async def _all_that_is_wrong(
    visit: Visit,
    method: str,
    described: Described,
    fields: Sequence[FieldInfo],
    sent: Typed,
    values: Mapping[str, Value],
    unread: Sequence[FieldError],
) -> dict[str, list[str]]:
    """Return what cannot be read, and what the service says of the other fields, without writing."""
    told = placed(unread, fields, visit.words)
    answer = await visit.ask(method, f"/{quote(described.collection)}/_check", json=values)
    if answer.status == 422:
        known = {each.path.partition(".")[0] for each in unread} | set(sent.files)
        found = refused_errors(answer, fields, visit.words)
        told |= {place: messages for place, messages in found.items() if place.partition(".")[0] not in known}
    return told


_UNREADABLE = "(unreadable)"
_TOLD = (400, 409, 413, 415, 422, 428, 503, 504, 507)


def _is_stale(problem: Mapping[str, Value]) -> bool:
    return str(problem.get("type", "")).rpartition(":")[2] in ("stale", "precondition")


def _demand_told(status: int, answer: Value) -> None:
    """Raise Refused for an answer that has nothing to do with what was typed."""
    if status not in _TOLD:
        raise Refused(status, answer=answer)


async def _current(visit: Visit, path: str, fields: Sequence[FieldInfo]) -> tuple[dict[str, Value], str]:
    """A record and its tag; of one that cannot be read, the fields that are to be given anew."""
    answer = await visit.ask("GET", path)
    if answer.status == 500 and str(answer.json.get("type", "")).endswith(":unreadable"):
        return {_UNREADABLE: [each["path"] for each in answer.json.get("errors", [])]}, ""
    if not answer.is_good:
        raise Refused(answer.status, answer=answer)
    return answer.json, answer.tag


async def _sent(visit: Visit, fields: Sequence[FieldInfo]) -> Typed:
    most = visit.site.limits.max_body + sum(each.max_size for each in fields if each.kind is Kind.FILE)
    form = await read_form(visit, most)
    sent = typed(form)
    visit.demand_token(sent.own)
    if RESUMED in sent.own:
        inputs = dict[str, list[str]]()
        for name, value in draft_inputs(sent.own.get("_draft", "")):
            if name.startswith("f."):
                inputs.setdefault(name, []).append(value.replace("\r\n", "\n"))
            elif name in ("_before", "_tag"):
                sent.own[name] = value
        sent.inputs = inputs
    return sent


def _before(visit: Visit, sent: Typed) -> dict[str, Value]:
    try:
        found = msgspec.json.decode(sent.own.get("_before", "{}"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, visit.words("This form is not, or no longer, one of this site. Load the page again."))
    return found


def _form(visit: Visit, described: Described, fields: list[FieldInfo], form: Filled, status: int = 200) -> Response:
    return visit.page(
        "new.html",
        status,
        described=described,
        groups=groups_of(described, fields),
        form=form,
        has_files=_files(fields),
    )


async def _edit_form(
    visit: Visit,
    described: Described,
    key: str,
    fields: list[FieldInfo],
    form: Filled,
    before: dict[str, Value],
    tag: str,
    status: int = 200,
) -> Response:
    names = await named(visit, described, key)
    taken = {each.name for each in fields}
    fixed = [
        (each, shown(visit, described, each, before.get(each.name), names=names, key=key))
        for each in described.fields
        if each.name not in taken and each.name in before
    ]
    kept = {name: value for name, value in before.items() if name in described.by_name}
    return visit.page(
        "edit.html",
        status,
        described=described,
        key=key,
        record_name=described.name_of(before) if before else unquote(key),
        groups=groups_of(described, fields),
        form=form,
        fixed=fixed,
        before=msgspec.json.encode(kept).decode(),
        values=before,
        tag=tag,
        names=names,
        has_files=_files(fields),
    )


def _files(fields: Sequence[FieldInfo]) -> bool:
    return any(each.kind is Kind.FILE for each in fields)
