"""``/_metrics``: the figures of OpenTelemetry in the text form of Prometheus, for those who may have them.

Nothing here is imported unless a service is to show its metrics.
"""

from __future__ import annotations

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from holdall.web.asgi import Header
from holdall.web.reply import Reply

__all__ = ["METRICS", "exposed_metrics", "measure"]

METRICS = "_metrics"
"""The place of the figures, beside collections."""

_UNCACHED: Header = (b"cache-control", b"no-store")


def measure() -> None:
    """Have metrics kept in this process, unless the program has set a provider of its own.

    >>> measure()
    >>> exposed_metrics("").status
    200
    """
    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))


def exposed_metrics(accept: str) -> Reply:
    """The answer with all figures of this process, in a form that ``accept`` takes. Example: :func:`measure`."""
    encode, kind = choose_encoder(accept)
    body = encode(REGISTRY)
    length = (b"content-length", b"%d" % len(body))
    return Reply(200, [(b"content-type", kind.encode()), length, _UNCACHED], body)
