"""The bounds of the service in its documents are those of the code."""

from __future__ import annotations

from pathlib import Path

from holdall.errors import MAX_ERRORS
from holdall.web.dialect import DEFAULT_PAGE_SIZE, MAX_FILTERS, MAX_PAGE_SIZE, MAX_SORT_KEYS
from holdall.web.filter_groups import MAX_DEPTH
from holdall.web.included import MAX_INCLUDED_DEPTH
from holdall.web.including import MAX_INCLUDED
from holdall.web.key import MAX_KEY
from holdall.web.options import Options
from holdall.web.parameters import MAX_PARAMETERS


def test_the_documents_have_the_bounds() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs/http.md").read_text().split())
    bounds = Options()
    for said in (
        f"A body of {bounds.max_body // 2**20} MiB within {bounds.body_seconds:g} seconds",
        f"up to {bounds.max_values:,} values",
        f"the first {MAX_ERRORS} are listed",
        f"a path and a query string of {bounds.max_url // 2**10} KiB each",
        f"{MAX_PARAMETERS} parameters, {MAX_FILTERS} filters, {MAX_SORT_KEYS} sort fields",
        f"{MAX_PAGE_SIZE} records and {bounds.max_page // 2**20} MiB on a page",
        f"{MAX_INCLUDED:,} records included in it",
        f"through {MAX_INCLUDED_DEPTH} references at most",
        f"Groups lie {MAX_DEPTH} deep at most",
        f"{DEFAULT_PAGE_SIZE} records, {MAX_PAGE_SIZE} at most",
        f"up to {MAX_SORT_KEYS} fields between commas",
        f"longer than {MAX_KEY:,} characters as written in a path",
    ):
        assert said in text
