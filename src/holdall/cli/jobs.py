"""``holdall jobs``: long work that an application declares: started, run, listed, shown, cancelled, resumed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from holdall.app import Holdall, JobReport
from holdall.cli.acting import named_values
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.plain import line, lines
from holdall.cli.running import run_on
from holdall.cli.target import TargetText
from holdall.errors import QueryError

__all__ = ["jobs"]

jobs = typer.Typer(no_args_is_help=True, help="Run long work in parts that can be taken up again.")

_Job = Annotated[str, typer.Argument(help="The id of the job, as list prints it.", show_default=False)]
_Name = Annotated[str, typer.Argument(help="The name that the job is declared by.", show_default=False)]
_Inputs = Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its inputs: JSON, or text.")]
_Workers = Annotated[int, typer.Option(min=1, max=64, help="Parts that are worked on at once.")]
_Later = Annotated[bool, typer.Option("--later", help="Only note it: resume runs it.")]
_Dask = Annotated[str | None, typer.Option(help="Hand the parts to a Dask cluster: tcp://scheduler:8786.")]


@jobs.command("list")
def show_all(target: TargetText) -> None:
    """List the latest jobs, the newest first."""
    found = run_on(target, lambda app: app.jobs.latest())
    for report in found:
        print(f"{report.created_at:%Y-%m-%d %H:%M:%S}  {line(str(report).splitlines()[0])}")
    if not found:
        print(f"{target}: no job was started")


@jobs.command("show")
def show(target: TargetText, job: _Job) -> None:
    """Show how far one job is, and the records that failed."""
    print(lines(run_on(target, lambda app: app.jobs.show(job))))


@jobs.command("start")
def start(
    target: TargetText,
    name: _Name,
    inputs: _Inputs = None,
    workers: _Workers = 2,
    later: _Later = False,
    dask: _Dask = None,
) -> None:
    """Start a job, and run it to its end."""

    async def act(app: Holdall) -> JobReport:
        if name not in app.jobs.names:
            there = f"there are {', '.join(app.jobs.names)}" if app.jobs.names else "@app.job declares one"
            raise Failure(f"there is no job {name!r}; {there}", MISUSE)
        try:
            job = await app.jobs.start(name, **named_values(inputs or []))
        except QueryError as error:
            raise Failure(str(error), MISUSE) from error
        print(job, file=sys.stderr)
        return await app.jobs.show(job) if later else await _worked(app, target, job, workers, dask)

    _tell(run_on(target, act), is_over=not later)


@jobs.command("resume")
def resume(target: TargetText, job: _Job, workers: _Workers = 2, dask: _Dask = None) -> None:
    """Go on with a job that was cancelled, or that a process left behind; several may do so at once."""

    async def act(app: Holdall) -> JobReport:
        if dask is None:
            return await app.jobs.resume(job, workers=workers)
        return await _worked(app, target, job, workers, dask)

    _tell(run_on(target, act), is_over=True)


@jobs.command("cancel")
def cancel(target: TargetText, job: _Job) -> None:
    """Have a job stop after the batches that are under way."""
    print(lines(run_on(target, lambda app: app.jobs.cancel(job))))


async def _worked(app: Holdall, target: str, job: str, workers: int, dask: str | None) -> JobReport:
    if dask is None:
        return await app.jobs.run(job, workers=workers)
    from holdall.app.jobs.cluster import run_on_cluster

    return await run_on_cluster(app.jobs, job, target, dask)


def _tell(report: JobReport, *, is_over: bool) -> None:
    print(lines(report))
    if report.failed:
        raise Failure(f"{report.failed} records stay as they were")
    if is_over and not report.is_done:
        raise Failure(f"the job is {report.state}: resume goes on")
