"""Selections: queries under names, with their parameters and columns."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.responses import Response

from holdall.admin.acting import defaults_of, fields_of, named_of
from holdall.admin.addresses import query_of, query_text
from holdall.admin.described import labelled
from holdall.admin.kinds import shape_of
from holdall.admin.shown import of_shape
from holdall.admin.visit import Refused, Visit

__all__ = ["selection_page"]

_OWN = ("after", "page", "page_size", "format", "count")


async def selection_page(visit: Visit) -> Response:
    """``/select/books/french-books``: the rows of a selection, a page at a time."""
    if len(visit.parts) != 2:
        raise Refused(404)
    described = await visit.described(unquote(visit.parts[0]))
    selection = named_of(described.selections, unquote(visit.parts[1]))
    if selection is None:
        raise Refused(404)
    given = query_of(visit.request)
    values = [(name, value) for name, value in given if name not in _OWN and not name.startswith("_") and value]
    after = dict(given).get("after", "")
    path = f"/{quote(described.collection)}/selections/{quote(str(selection['name']))}"
    answer = await visit.ask("GET", path, query=query_text([*values, ("after", after)]))
    if not answer.is_good and answer.status != 422:
        raise Refused(answer.status, answer=answer)
    page = answer.json if answer.is_good else {"data": []}
    columns = [(str(each["name"]), shape_of(each["schema"], described.schemas)) for each in selection["columns"]]
    onward = page.get("next")
    here = visit.url("select", quote(described.collection), quote(str(selection["name"])))
    return visit.page(
        "selection.html",
        answer.status,
        described=described,
        selection=selection,
        columns=[labelled(name.replace(".", " ")) for name, _ in columns],
        rows=[[of_shape(visit, shape, row.get(name), is_cut=True) for name, shape in columns] for row in page["data"]],
        problem={} if answer.is_good else answer.json,
        fields=fields_of(selection["parameters"], described.schemas, visit.site.collections),
        usual=defaults_of(selection["parameters"], described.schemas),
        given=dict(given),
        first=f"{here}?{query_text(values)}" if after else "",
        onward=f"{here}?{query_text([*values, ('after', onward)])}" if onward else "",
    )
