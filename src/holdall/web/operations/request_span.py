"""A span of OpenTelemetry around each request, below that of its client, and the histogram of their durations.

Attributes follow the semantic conventions for HTTP servers. Nothing here is imported unless telemetry is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter

from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import Histogram
from opentelemetry.trace import SpanKind, StatusCode

from holdall.web.asgi import Scope
from holdall.web.operations.access_log import route_of
from holdall.web.operations.told import ANSWERED

__all__ = ["request_span"]

_NAME = "holdall"


@contextmanager
def request_span(scope: Scope) -> Iterator[None]:
    """Give a request its span; of its answer the status is told, of an error its name."""
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    method, begun, failure = scope["method"], perf_counter(), None
    tracer = trace.get_tracer(_NAME)
    attributes = {"http.request.method": method, "url.scheme": scope.get("scheme", "http"), "url.path": scope["path"]}
    with tracer.start_as_current_span(
        method,
        propagate.extract(given),
        SpanKind.SERVER,
        attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            failure = type(error).__name__
            raise
        finally:
            status, route = scope[ANSWERED][0], route_of(scope)
            told: dict[str, str | int] = {"http.request.method": method, "http.response.status_code": status}
            if route is not None:
                told["http.route"] = route
                span.update_name(f"{method} {route}")
            if failure is not None or status >= 500:
                told["error.type"] = failure or str(status)
                span.set_status(StatusCode.ERROR)
            span.set_attributes(told)
            _durations().record(perf_counter() - begun, told)


@cache
def _durations() -> Histogram:
    meter = metrics.get_meter(_NAME)
    return meter.create_histogram("http.server.request.duration", "s", "Duration of requests that were answered")
