"""The list of a collection: columns, order, filters, search, and pages by cursor."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from holdall.admin.addresses import query_of, query_text
from holdall.admin.described import Described
from holdall.admin.filters import FILTER_INPUTS, OPERATORS, added_filter, address_of, chips_of, choices_of
from holdall.admin.inner import Answer
from holdall.admin.kinds import Kind
from holdall.admin.relations import names_within, naming_query
from holdall.admin.shown import Shown, shown
from holdall.admin.visit import Refused, Visit
from holdall.query import Value

__all__ = ["list_page"]

_SIZES = (20, 50, 100, 200)
_OWN = {
    *("after", "page", "page_size", "fields", "include", "count", "format", "formulas", "aggregate", "group", "having"),
    "sort",
}
_MOST_STEPS = 20  # back from a page, that its address remembers


async def list_page(visit: Visit, described: Described) -> Response:
    """``/data/books``: a page of records."""
    parameters = query_of(visit.request)
    given = dict(parameters)
    if any(name in given for name in FILTER_INPUTS):
        return _filtered(visit, described, parameters, given)
    kept = [(name, value) for name, value in parameters if name not in _OWN - {"sort"} and not name.startswith("_")]
    size = _size(given.get("page_size"), described.view.page_size)
    if size != described.view.page_size:
        kept.append(("page_size", str(size)))
    sort = given.get("sort", described.view.sort)
    filters = [place for place, (name, _) in enumerate(kept) if name not in ("sort", "page_size")]
    asked = [kept[place] for place in filters]
    answer = await _asked(visit, described, asked, sort, size, given)
    problem = {} if answer.is_good else answer.json
    if not answer.is_good and answer.status not in (422, 501):
        raise Refused(answer.status, answer=answer)
    page = answer.json if answer.is_good else {"data": []}
    back, onward = _steps(visit, described, kept, given, page)
    through = given.get("_through", "")
    return visit.page(
        "list.html",
        200 if answer.is_good else answer.status,
        described=described,
        columns=_columns(visit, described, kept, sort),
        rows=await _rows(visit, described, page["data"]),
        broken=page.get("broken", []),
        total=_total(page, given),
        counted=address_of(visit, described, [*kept, ("_count", "1")]),
        problem=problem,
        chips=chips_of(visit, described, kept, filters),
        kept=kept,
        query=query_text(asked),
        choices=await choices_of(visit, described, through),
        operators=OPERATORS,
        through=through,
        sizes=[
            (each, address_of(visit, described, _with(kept, "page_size", str(each))), each == size) for each in _SIZES
        ],
        first=address_of(visit, described, kept) if "after" in given else "",
        back=back,
        onward=onward,
        searches=visit.site.searches(described),
        q=given.get("q", ""),
        acts=(acts := [each for each in described.actions if each["available"] and each["on"] in ("each", "all")]),
        has_bulk=bool(acts or described.rights.get("delete")),
    )


def _filtered(visit: Visit, described: Described, parameters: list[tuple[str, str]], given: dict[str, str]) -> Response:
    """To the list with one more filter, so that its address says all of it."""
    rest = [(name, value) for name, value in parameters if not name.startswith("_") and name != "after"]
    rest = [(name, value) for name, value in rest if name != "q" or value.strip()]
    added = added_filter(visit, described, given)
    through = [("_through", given["_through"])] if given.get("_through") else []
    address = address_of(visit, described, [*rest, *added, *through])
    return visit.go_to(address)


def _size(text: str | None, usual: int) -> int:
    return int(text) if text is not None and text in {str(each) for each in _SIZES} else usual


async def _asked(
    visit: Visit, described: Described, filters: list[tuple[str, str]], sort: str, size: int, given: dict[str, str]
) -> Answer:
    named = dict(await naming_query(visit, described, described.columns))
    made = [name for each in described.view.computed.values() for name in each.fields if name in described.by_name]
    fields = list(dict.fromkeys([*described.key, *described.columns, *made]))
    if described.naming:
        fields.append(described.naming)
    wanted = ",".join([*dict.fromkeys(fields), *([named["fields"]] if named else [])])
    query = [*filters, ("after", given.get("after", "")), ("page_size", str(size)), ("fields", wanted)]
    query += [("sort", sort)] if sort else []
    query += [("include", named["include"])] if named else []
    query += [("count", "exact")] if "_count" in given else []
    return await visit.ask("GET", f"/{quote(described.collection)}", query=query_text(query))


def _columns(visit: Visit, described: Described, kept: list[tuple[str, str]], sort: str) -> list[dict[str, str]]:
    """The heads of the table, each with its place in the order and the address of the other order."""
    found = []
    for name in described.columns:
        field = described.by_name[name]
        order = "ascending" if sort == name else "descending" if sort == f"-{name}" else ""
        following = f"-{name}" if order == "ascending" else name
        href = address_of(visit, described, _with(kept, "sort", following)) if field.sorts else ""
        numeric = field.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
        told = {"label": field.label, "order": order, "href": href, "kind": "number" if numeric else ""}
        found.append(told | ({"names": "yes"} if name == described.naming else {}))
    for name, made in described.view.computed.items():
        found.append({"label": made.label or name, "order": "", "href": "", "kind": ""})
    return found


def _with(kept: list[tuple[str, str]], name: str, value: str) -> list[tuple[str, str]]:
    return [*(each for each in kept if each[0] != name), (name, value)]


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


def _total(page: dict[str, Value], given: dict[str, str]) -> int | None:
    """How many records there are, where that is known without counting or was asked for."""
    if page.get("total_count") is not None:
        return int(page["total_count"])
    is_whole = "after" not in given and page.get("next") is None and not page.get("broken")
    return len(page["data"]) if is_whole else None


def _steps(
    visit: Visit, described: Described, kept: list[tuple[str, str]], given: dict[str, str], page: dict[str, Value]
) -> tuple[str, str]:
    """The addresses of the page before and the page behind, where there are such."""
    trail = [each for each in given.get("_trail", "").split(",") if each]
    back = ""
    if trail:
        before = [] if trail[-1] == "-" else [("after", trail[-1])]
        rest = trail[:-1]
        back = address_of(visit, described, [*kept, *before, *([("_trail", ",".join(rest))] if rest else [])])
    following = page.get("next")
    if following is None:
        return back, ""
    trail = [*trail, given.get("after") or "-"][-_MOST_STEPS:]
    return back, address_of(visit, described, [*kept, ("after", following), ("_trail", ",".join(trail))])
