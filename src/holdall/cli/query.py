"""``holdall query``: print the records, or the rows, of a query that is written in its text form."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.rows import Form, print_rows
from holdall.cli.running import run_in
from holdall.cli.target import Target, TargetText
from holdall.errors import QueryError, StateError
from holdall.query import AnyQuery, did_you_mean, parse_query
from holdall.selections import columns_of

__all__ = ["query"]

_SHOWN = 50  # rows of a table, where the query has no limit

Text = Annotated[
    str, typer.Argument(metavar="QUERY", help="Such as 'books where pages > 100 sort -pages limit 20 only title'.")
]
AsJson = Annotated[bool, typer.Option("--json", help="A line of JSON for each row.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV with a header.")]
Count = Annotated[bool, typer.Option("--count", help="Print how many rows there are, and no row.")]


def query(
    target: TargetText,
    text: Text,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    count: Count = False,
    user: As = None,
    role: Roles = None,
) -> None:
    """Print the records of a query as a table; of more than 50 only with a limit, with --json or with --csv."""
    if as_json + as_csv + count > 1:
        raise Failure("--json, --csv and --count are three answers: choose one", MISUSE)
    form = Form.NDJSON if as_json else Form.CSV if as_csv else Form.TABLE
    acting, app = Acting(user, role), Target(target).app
    try:
        run_in(app, _printed(app, text, form, acting, is_counted=count))
    except (QueryError, StateError) as error:
        raise Failure(str(error), MISUSE) from error


async def _printed(app: Holdall, text: str, form: Form, acting: Acting, *, is_counted: bool) -> None:
    app.bindings.configure()
    asked = _of_app(app, app.bindings.asked(parse_query(text)))
    async with app.session(await acting.user(app)) as session:
        if is_counted:
            print(await session.count(asked))
            return
        is_bounded = form is Form.TABLE and asked.max_rows is None
        by = asked.grouping.by if asked.grouping and not asked.projection else asked.projection
        columns = columns_of(app.bindings, msgspec.structs.replace(asked, projection=by))
        printed = await print_rows(session.stream(asked.limit(_SHOWN) if is_bounded else asked), columns, form)
        if is_bounded and printed == _SHOWN and (total := await session.count(asked)) > _SHOWN:
            print(f"{_SHOWN} of {total} rows: give the query a limit, or ask for --json or --csv", file=sys.stderr)


def _of_app(app: Holdall, asked: AnyQuery) -> AnyQuery:
    known = {binding.collection: binding for binding in app.collections()}
    if asked.collection not in known:
        near = did_you_mean(asked.collection, sorted(known), len(known))
        raise Failure(f"there is no collection {asked.collection!r}{near}", MISUSE)
    return msgspec.structs.replace(asked, model=known[asked.collection].model)
