"""The route of a service that reports on jobs to those who started them."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from holdall.web.host_problems import response_of
from holdall.web.jobs.action_jobs import JOBS, ActionJobs
from holdall.web.options import Options
from holdall.web.parameters import demand_none

__all__ = ["add_jobs"]


def add_jobs(service: FastAPI, jobs: ActionJobs, options: Options) -> None:
    """Serve ``/_jobs/{id}``: the report to a GET; a DELETE cancels the job, and is answered with it, too.

    Example: ``docs/actions.md``.
    """

    async def job(request: Request) -> Response:
        user = await options.user_of(request.scope)
        demand_none(request.scope["query_string"])
        is_cancelled = request.method == "DELETE"
        return response_of(await jobs.report(user, request.path_params["job"], is_cancelled=is_cancelled))

    service.add_route(f"/{JOBS}/{{job}}", job, methods=["GET", "DELETE"], include_in_schema=False)
