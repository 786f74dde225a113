"""``holdall select``: print the rows of a selection."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles, model_of, named_values
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.rows import Form, print_rows
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError, NotFound, StateError
from holdall.query import Value, asc, desc
from holdall.selections import AnySelection

__all__ = ["select"]


CollectionText = Annotated[str, typer.Argument(metavar="COLLECTION", help="The collection that the selection is of.")]
NameText = Annotated[str, typer.Argument(metavar="SELECTION", help="Its name, as in a path: french-books.")]
Parameters = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its parameters: JSON, or text.")
]
Sort = Annotated[list[str] | None, typer.Option("--sort", help="A field, -field for descending; may be repeated.")]
Limit = Annotated[int | None, typer.Option("--limit", help="The most rows; without it, all.")]
Count = Annotated[bool, typer.Option("--count", help="Print how many rows there are, and no row.")]
Forms = Annotated[
    Form, typer.Option("--format", help="A line of JSON for each row, CSV with a header, or a table of all rows.")
]


def select(
    target: TargetText,
    collection: CollectionText,
    selection: NameText,
    parameters: Parameters = None,
    sort: Sort = None,
    limit: Limit = None,
    count: Count = False,
    form: Forms = Form.NDJSON,
    user: As = None,
    role: Roles = None,
) -> None:
    """Print the rows of a selection, one in each line; they are read in batches, so that there may be any number."""
    acting = Acting(user, role)
    app = Target(target).app
    model_of(app, collection)
    values = named_values(parameters or [])
    try:
        asyncio.run(_printed(app, collection, selection, values, sort or [], limit, count, form, acting))
    except (NotFound, StateError) as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(f"{type(error).__name__}: {error}") from error


async def _printed(
    app: Holdall,
    collection: str,
    name: str,
    values: dict[str, Value],
    sort: list[str],
    limit: int | None,
    count: bool,
    form: Form,
    acting: Acting,
) -> None:
    app.bindings.configure()
    try:
        user = await acting.user(app)
        found = app.by_name.selections.seen(collection, name, user)
        keys = [(desc if text.startswith("-") else asc)(_path(found, text.removeprefix("-"))) for text in sort]
        async with app.session(user) as session:
            query = session.select(found, *keys, **vars_of(found.inputs.from_builtins(values)))
            if count:
                print(await session.count(query))
                return
            await print_rows(session.stream(query if limit is None else query.limit(limit)), found.columns, form)
    finally:
        await app.close()


def _path(selection: AnySelection, text: str) -> Value:
    """The field that a column, or a dotted name, leads to."""
    found: Value = selection.binding.model
    for name in selection.path_of(text):
        found = None if name.startswith("_") else getattr(found, name, None)
        if found is None:
            columns = ", ".join(column.name for column in selection.columns)
            there = f"; there are {columns}" if columns else ""
            raise Failure(f"{text!r} names nothing that rows could be sorted by{there}", MISUSE)
    return found


def vars_of(inputs: Value) -> dict[str, Value]:
    """The parameters by name."""
    return {each.name: getattr(inputs, each.name) for each in type(inputs).__holdall__.stored}
