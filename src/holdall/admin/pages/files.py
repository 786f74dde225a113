"""Files of records, exports of lists, and the look-up of records for references."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.responses import JSONResponse, Response

from holdall.admin.addresses import query_of, query_text
from holdall.admin.described import Described
from holdall.admin.passing import Passed
from holdall.admin.visit import Refused, Visit

__all__ = ["export_page", "file_page", "lookup_page"]

_FORMATS = ("csv", "ndjson")
_MOST_FOUND = 10
_PASSED = ("range", "if-none-match", "if-range", "if-modified-since")


async def file_page(visit: Visit) -> Response:
    """``/file/books/7/cover``: the content of a file, or, with ``?preview=small``, a thumbnail of it."""
    if len(visit.parts) != 3:
        raise Refused(404)
    collection, key, name = visit.parts
    described = await visit.described(unquote(collection))
    if unquote(name) not in described.by_name:
        raise Refused(404)
    headers = [(each, visit.request.headers[each]) for each in _PASSED if each in visit.request.headers]
    wanted = visit.request.query_params.get("preview")
    query = query_text([("thumbnail", wanted)]) if wanted else ""
    return Passed(visit, "GET", f"/{quote(described.collection)}/{key}/{name}", query, headers)


async def export_page(visit: Visit) -> Response:
    """``/export/books/csv``: all records that meet the filters of a list."""
    if len(visit.parts) != 2 or visit.parts[1] not in _FORMATS:
        raise Refused(404)
    described = await visit.described(unquote(visit.parts[0]))
    kind = visit.parts[1]
    given = [(name, value) for name, value in query_of(visit.request) if name != "format"]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", described.collection)
    query = query_text([*given, ("format", kind)])
    return Passed(visit, "GET", f"/{quote(described.collection)}", query, name=f"{name}.{kind}")


async def lookup_page(visit: Visit, described: Described) -> Response:
    """``/lookup/authors?q=urs``: the first records that are named so, or have this key, as JSON."""
    text = visit.request.query_params.get("q", "").strip()[:200]
    wanted = list(dict.fromkeys([*described.key, *([described.naming] if described.naming else [])]))
    query = [("page_size", str(_MOST_FOUND)), ("fields", ",".join(wanted)), ("after", "")]
    naming = described.by_name[described.naming] if described.naming else None
    found, seen = list[dict[str, str]](), set[str]()
    for filters in _meant(described, naming.name if naming is not None else None, text):
        sort = [("sort", naming.name)] if naming is not None and naming.sorts and text else []
        answer = await visit.ask("GET", f"/{quote(described.collection)}", query=query_text([*filters, *sort, *query]))
        for record in answer.json["data"] if answer.is_good else []:
            key = described.segment(record)
            if key not in seen and len(found) < _MOST_FOUND:
                seen.add(key)
                found.append({"key": described.reference_to(record), "name": described.name_of(record)})
        if len(found) >= _MOST_FOUND:
            break
    return JSONResponse({"found": found})


def _meant(described: Described, naming: str | None, text: str) -> list[list[tuple[str, str]]]:
    """The filters that are tried one after the other: the key, the beginning of the name, a part of it."""
    if not text:
        return [[]]
    single = described.by_name.get(described.key[0]) if len(described.key) == 1 else None
    asked = [[(single.name, text)]] if single is not None and single.name != naming else []
    if naming is not None:
        known = described.by_name[naming].filters
        asked += [[(f"{naming}__{each}", text)] for each in ("startswith", "icontains") if each in known]
    return asked
