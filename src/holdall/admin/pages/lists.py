"""The list of a collection: columns, order, filters, search, and pages by cursor."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from holdall.admin.addresses import query_of, query_text
from holdall.admin.described import Described
from holdall.admin.filters import FILTER_INPUTS, OPERATORS, added_filter, address_of, chips_of, choices_of
from holdall.admin.inner import Answer
from holdall.admin.kinds import Kind
from holdall.admin.list_address import ListAddress, list_address
from holdall.admin.relations import names_within, naming_query
from holdall.admin.saving import saved_of, saved_path
from holdall.admin.shown import Shown, shown
from holdall.admin.visit import Refused, Visit
from holdall.query import Value

__all__ = ["list_page"]


async def list_page(visit: Visit, described: Described) -> Response:
    """``/data/books``: a page of records."""
    given = dict(query_of(visit.request))
    if any(name in given for name in FILTER_INPUTS):
        return _filtered(visit, described, given)
    address = list_address(visit, described)
    answer = await _asked(visit, described, address)
    if not answer.is_good and answer.status not in (422, 501):
        raise Refused(answer.status, answer=answer)
    page = answer.json if answer.is_good else {"data": []}
    through = given.get("_through", "")
    acts = [each for each in described.actions if each["available"] and each["on"] in ("each", "all")]
    return visit.page(
        "list.html",
        answer.status,
        described=described,
        columns=_columns(visit, described, address),
        rows=await _rows(visit, described, page["data"]),
        broken=page.get("broken", []),
        total=_total(page, address),
        problem={} if answer.is_good else answer.json,
        chips=chips_of(visit, described, address.kept, address.places),
        kept=address.kept,
        query=query_text(address.filters),
        whole_query=query_text(address.kept),
        choices=await choices_of(visit, described, through),
        operators=OPERATORS,
        through=through,
        searches=visit.site.searches(described),
        q=given.get("q", ""),
        acts=acts,
        saved=await saved_of(visit, described, address.kept),
        has_saving=bool(saved_path(visit)),
        has_bulk=bool(acts or described.rights.get("delete")),
        **address.links(visit, described, page.get("next")),
    )


def _filtered(visit: Visit, described: Described, given: dict[str, str]) -> Response:
    """To the list with one more filter, so that its address says all of it."""
    parameters = query_of(visit.request)
    rest = [(name, value) for name, value in parameters if not name.startswith("_") and name != "after"]
    rest = [(name, value) for name, value in rest if name != "q" or value.strip()]
    added = added_filter(visit, described, given)
    through = [("_through", given["_through"])] if given.get("_through") else []
    return visit.go_to(address_of(visit, described, [*rest, *added, *through]))


async def _asked(visit: Visit, described: Described, address: ListAddress) -> Answer:
    named = dict(await naming_query(visit, described, described.columns))
    made = [name for each in described.view.computed.values() for name in each.fields if name in described.by_name]
    fields = [*described.key, *described.columns, *made, *([described.naming] if described.naming else [])]
    wanted = ",".join([*dict.fromkeys(fields), *([named["fields"]] if named else [])])
    query = [("after", address.after or ""), ("page_size", str(address.size)), ("fields", wanted)]
    query += [("sort", address.sort)] if address.sort else []
    query += [("include", named["include"])] if named else []
    query += [("count", "exact")] if address.is_counted else []
    return await visit.ask("GET", f"/{quote(described.collection)}", query=query_text([*address.filters, *query]))


def _columns(visit: Visit, described: Described, address: ListAddress) -> list[dict[str, str]]:
    """The heads of the table, each with its place in the order and the address of the other order."""
    found = []
    for name in described.columns:
        field = described.by_name[name]
        order = "ascending" if address.sort == name else "descending" if address.sort == f"-{name}" else ""
        following = f"-{name}" if order == "ascending" else name
        href = address_of(visit, described, address.having("sort", following)) if field.sorts else ""
        numeric = field.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
        told = {"label": field.label, "order": order, "href": href, "kind": "number" if numeric else ""}
        found.append(told | ({"names": "yes"} if name == described.naming else {}))
    for name, made in described.view.computed.items():
        found.append({"label": made.label or name, "order": "", "href": "", "kind": ""})
    return found


async def _rows(visit: Visit, described: Described, records: list[dict[str, Value]]) -> list[dict[str, Value]]:
    targets = {
        str(each.target): await visit.described_if_any(str(each.target)) for each in described.fields if each.target
    }
    found = []
    for record in records:
        names = names_within(targets, described, record)
        key, cells = described.segment(record), list[Shown]()
        for column in described.columns:
            field, value = described.by_name[column], record.get(column)
            if isinstance(value, dict) and field.kind is Kind.REFERENCE:
                target = targets[str(field.target)]
                assert target is not None  # only those are included that are shown
                value = [value[name] for name in target.key] if len(target.key) > 1 else value[target.key[0]]
            cells.append(shown(visit, described, field, value, names=names, key=key, is_cut=True))
        cells += [_computed(made.function, made.fields, record) for made in described.view.computed.values()]
        href = visit.url("data", quote(described.collection), key)
        found.append({"key": key, "href": href, "name": described.name_of(record), "cells": cells})
    return found


def _computed(function: Value, fields: Value, record: dict[str, Value]) -> Shown:
    if any(name not in record for name in fields):
        return Shown("empty")
    value = function(record)
    return Shown("empty") if value is None else Shown("text", str(value))


def _total(page: dict[str, Value], address: ListAddress) -> int | None:
    """How many records there are, where that is known without counting or was asked for."""
    if page.get("total_count") is not None:
        return int(page["total_count"])
    is_whole = address.after is None and page.get("next") is None and not page.get("broken")
    return len(page["data"]) if is_whole else None
