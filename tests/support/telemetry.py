"""The providers of OpenTelemetry of this process, which are set once: spans and figures in memory, and Prometheus."""

from __future__ import annotations

from functools import cache

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["kept_figures", "kept_spans"]


@cache
def kept_spans() -> InMemorySpanExporter:
    """The spans of this process from now on."""
    exporter, tracing = InMemorySpanExporter(), trace.get_tracer_provider()
    if not isinstance(tracing, TracerProvider):
        tracing = TracerProvider()
        trace.set_tracer_provider(tracing)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@cache
def kept_figures() -> InMemoryMetricReader:
    """The figures of this process from now on."""
    reader, provider = InMemoryMetricReader(), metrics.get_meter_provider()
    if isinstance(provider, MeterProvider):  # of an example of a document that ran before
        provider.add_metric_reader(reader)
    else:
        metrics.set_meter_provider(MeterProvider([reader, PrometheusMetricReader()]))
    return reader
