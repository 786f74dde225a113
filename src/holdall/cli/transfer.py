"""``holdall export`` and ``holdall import``: records into files, and files into collections."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from holdall.app import Holdall, ImportReport
from holdall.cli.acting import Acting, As, Roles, model_of
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.plain import lines
from holdall.cli.target import Target, TargetText
from holdall.errors import DeclarationError, HoldallError, QueryError
from holdall.model import Model
from holdall.query import ALWAYS, Query, parse_condition

__all__ = ["export", "import_"]

T = TypeVar("T")
CollectionText = Annotated[str, typer.Argument(metavar="COLLECTION", help="The collection.")]
FileText = Annotated[Path, typer.Argument(metavar="FILE", help="A file of CSV or of lines of JSON.")]
Form = Annotated[str | None, typer.Option("--format", help="csv, ndjson or yaml, if the name does not say so.")]
Where = Annotated[str | None, typer.Option("--where", help="Only records of a condition, as in 'pages > 100'.")]
Columns = Annotated[str | None, typer.Option("--columns", help="Fields with commas between them; else all.")]
Formulas = Annotated[bool, typer.Option("--keep-formulas", help="Leave text as it is that looks like a formula.")]
Upsert = Annotated[bool, typer.Option("--upsert", help="Change the record of a key where there is one.")]
By = Annotated[str | None, typer.Option("--by", help="Unique fields to find records by, in place of the key.")]
Skip = Annotated[str | None, typer.Option("--skip", help="Columns to leave out, with commas between them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell, and write nothing.")]
Batch = Annotated[int, typer.Option(min=1, max=100_000, help="Lines in one commit.")]


def export(
    target: TargetText,
    collection: CollectionText,
    file: FileText,
    form: Form = None,
    where: Where = None,
    columns: Columns = None,
    keep_formulas: Formulas = False,
    user: As = None,
    role: Roles = None,
) -> None:
    """Write the records of a collection into a file, as it is when it is whole."""
    acting, app = Acting(user, role), Target(target).app
    model = model_of(app, collection)
    try:
        app.bindings.configure()
        asked: Query[Model] = Query(collection, ALWAYS if where is None else parse_condition(where))
        query: Query[Model] = Query(collection, app.bindings.asked(asked).condition, model=model)
    except HoldallError as error:
        raise Failure(str(error), MISUSE) from error

    async def work() -> int:
        return await app.export_records(
            query,
            file,
            form=form,
            columns=None if columns is None else columns.split(","),
            user=await acting.user(app),
            keeps_formulas=keep_formulas,
            progress=_tell,
        )

    print(f"{collection}: {_run(app, work())} records in {file}")


def import_(
    target: TargetText,
    collection: CollectionText,
    file: FileText,
    form: Form = None,
    upsert: Upsert = False,
    by: By = None,
    skip: Skip = None,
    dry_run: DryRun = False,
    batch: Batch = 500,
    keep_formulas: Formulas = False,
    user: As = None,
    role: Roles = None,
) -> None:
    """Add a record for each line of a file; fails where lines were refused, and names them."""
    acting, app = Acting(user, role), Target(target).app
    model = model_of(app, collection)

    async def work() -> ImportReport:
        return await app.import_records(
            model,
            file,
            form=form,
            upsert=upsert,
            by=() if by is None else by.split(","),
            skip=() if skip is None else skip.split(","),
            dry_run=dry_run,
            batch=batch,
            user=await acting.user(app),
            keeps_formulas=keep_formulas,
            progress=_tell,
        )

    report = _run(app, work())
    print(lines(report))
    if report.failed:
        raise Failure(f"{report.failed} of {report.lines} lines were refused")


def _run(app: Holdall, work: Coroutine[object, object, T]) -> T:
    async def run() -> T:
        try:
            return await work
        finally:
            await app.close()

    try:
        return asyncio.run(run())
    except (DeclarationError, QueryError) as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise Failure(f"the file cannot be used: {error.filename or ''}: {error.strerror}", MISUSE) from error


def _tell(far: int | ImportReport) -> None:
    """How far it is, where somebody looks at it."""
    if sys.stderr.isatty():
        told = f"{far} records" if isinstance(far, int) else f"{far.lines} lines, {far.failed} refused"
        print(told, file=sys.stderr)
