"""The route of a service that shows its metrics to those who may have them."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import Given
from holdall.web.host_problems import response_of
from holdall.web.options import Options
from holdall.web.rights import demand_grant

__all__ = ["add_metrics"]


def add_metrics(service: FastAPI, app: Holdall, options: Options, readers: Given) -> None:
    """Serve ``/_metrics`` to its ``readers``.

    Raises DeclarationError where the application measures nothing, or a package is missing.
    """
    if not app.is_traced:
        raise DeclarationError(
            "asgi(metrics=...) shows the figures that app.observe(telemetry=True) measures: call that before"
        )
    try:
        from holdall.web.operations.metrics import METRICS, exposed_metrics, measure
    except ImportError as error:
        raise DeclarationError("asgi(metrics=...) needs a package: pip install 'holdall[prometheus]'") from error
    measure()

    async def figures(request: Request) -> Response:
        demand_grant(readers, await options.user_of(request.scope), options.challenge)
        return response_of(exposed_metrics(request.headers.get("accept", "")))

    service.add_route(f"/{METRICS}", figures, include_in_schema=False)
