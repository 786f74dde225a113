"""Spans and metrics: who is whose child, no values anywhere, and nothing imported where nobody asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted
from tests.support.telemetry import kept_figures, kept_spans

pytestmark = pytest.mark.anyio


class Reader(Model):
    id: int = field(pk=True)
    name: str = field(unique=True)


class Loan(Model):
    id: int = field(pk=True)
    reader: int


class Sink:
    """The spans and figures of this process."""

    def __init__(self) -> None:
        self.spans = kept_spans()
        self.metrics = kept_figures()

    def found(self) -> list[ReadableSpan]:
        found = list(self.spans.get_finished_spans())
        self.spans.clear()
        return found

    def measured(self) -> dict[str, list[dict[str, object]]]:
        data = self.metrics.get_metrics_data()
        assert data is not None
        return {
            metric.name: [dict(point.attributes or {}) for point in metric.data.data_points]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture(scope="module")
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def app(sink: Sink, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("traced", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add(Reader, store="main")
    app.add(Loan, store="files")
    await app.create()
    app.observe(telemetry=True)
    sink.spans.clear()
    yield app
    await app.close()


def children(spans: list[ReadableSpan], name: str) -> list[str]:
    (parent,) = [span for span in spans if span.name == name]
    return [span.name for span in spans if span.parent is not None and span.parent.span_id == parent.context.span_id]


async def test_statements_are_children_of_reads_and_commits(app: Holdall, sink: Sink) -> None:
    async with app.session() as session:
        session.add(Reader(id=1, name="a secret"))
    spans = sink.found()
    assert "INSERT main" in children(spans, "commit")
    async with app.session() as session:
        await session.query(Reader.where(Reader.name == "a secret"))
        await session.get(Reader, 1)
    read = sink.found()
    assert children(read, "query reader") == ["SELECT main"]
    (statement,) = [span for span in read if span.name == "SELECT main" and span.parent is not None]
    assert statement.attributes is not None
    assert statement.attributes["db.response.returned_rows"] == 1
    assert statement.attributes["db.system.name"] == "sqlite"
    assert statement.end_time is not None
    assert statement.start_time is not None
    assert statement.end_time > statement.start_time
    assert "a secret" not in str([span.to_json() for span in [*spans, *read]])


async def test_phases_of_a_commit_over_stores_are_spans(app: Holdall, sink: Sink) -> None:
    async with app.session() as session:
        session.add_all([Reader(id=1, name="x"), Loan(id=1, reader=1)])
    spans = sink.found()
    assert {"prepare", "decide", "roll forward"} <= set(children(spans, "commit"))
    assert "hold files" in [span.name for span in spans] or "hold" in " ".join(children(spans, "prepare"))


async def test_errors_leave_their_names(app: Holdall, sink: Sink) -> None:
    with pytest.raises(CommitAborted):
        async with app.session() as session:
            session.add_all([Reader(id=1, name="a secret"), Reader(id=2, name="a secret")])
    spans = sink.found()
    (commit,) = [span for span in spans if span.name == "commit"]
    assert commit.attributes is not None
    assert commit.attributes["error.type"] == "CommitAborted"
    assert not commit.events
    assert "a secret" not in str([span.to_json() for span in spans])


async def test_durations_and_connections_are_measured(app: Holdall, sink: Sink) -> None:
    async with app.session() as session:
        session.add(Reader(id=1, name="x"))
    async with app.session() as session:
        await session.query(Reader.where())
    measured = sink.measured()
    assert {"db.client.operation.duration", "holdall.read.duration", "holdall.commit.duration"} <= measured.keys()
    states = [point["db.client.connection.state"] for point in measured["db.client.connection.count"]]
    assert set(states) == {"idle", "used"}


def test_nothing_is_imported_unless_telemetry_is_asked_for() -> None:
    program = (
        "import asyncio, sys\nfrom holdall import Holdall\napp = Holdall('x', echo=True)\n"
        "app.add_store('m', 'memory:')\n"
        "asyncio.run(app.health())\nassert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "app.observe(telemetry=True)\nassert 'opentelemetry' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
