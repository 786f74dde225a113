"""Spans of requests: below that of the client, above those of reads; with route and status, without values."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.bookshop import bookshop
from tests.support.served import Served


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    found = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    monkeypatch.setattr(trace, "get_tracer", lambda name, *_: provider.get_tracer(name))
    return found


def spans(exporter: InMemorySpanExporter) -> list[Any]:
    return list(exporter.get_finished_spans())


def test_each_request_has_one(exporter: InMemorySpanExporter) -> None:
    app = bookshop("memory:")
    app.observe(telemetry=True)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Served(app) as served:
        served.get("/books/7?fields=title", traceparent=parent)
        served.get("/nothing")
    one, other = [span for span in spans(exporter) if span.kind is trace.SpanKind.SERVER]
    assert one.name == "GET /books/{key}"
    assert one.attributes["http.response.status_code"] == 404
    assert one.attributes["http.route"] == "/books/{key}"
    assert f"{one.parent.span_id:016x}" == "b7ad6b7169203331"
    assert (other.name, other.parent) == ("GET", None)
    reads = [span for span in spans(exporter) if span.name == "query books"]
    assert [span.parent.span_id for span in reads] == [one.context.span_id]
    assert not any("title" in str(span.attributes) for span in (one, other))


def test_without_telemetry_there_is_none(exporter: InMemorySpanExporter) -> None:
    with Served(bookshop("memory:")) as served:
        served.get("/books")
    assert spans(exporter) == []
