"""Spans and metrics of OpenTelemetry: reads, commits and their phases, statements of stores, connections.

Attributes follow the semantic conventions for database clients where these have one. Nothing here is imported unless
telemetry is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from time import perf_counter, time_ns
from types import TracebackType
from typing import Self
from weakref import WeakSet

from opentelemetry import context, metrics, trace
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from holdall.errors import HoldallError
from holdall.store import Pooled, PoolFigures, Sent, Store

__all__ = ["Telemetry"]

_NAME = "holdall"


class Telemetry:
    """Makes spans and metrics of the providers that are set globally when they are made.

    A statement is shown when it has ended, so that its span is made with both of its times; its parent is the span
    that its caller is in.
    """

    sees_reads = True

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_NAME)
        self._statements, self._reads, self._commits = _measures()

    def watch_pool(self, store: Store) -> None:
        """Give figures of this store's connections, where it has any."""
        if isinstance(store, Pooled):
            _POOLED.add(store)

    def sent(self, sent: Sent) -> None:
        """Make the span of a statement."""
        name, labels = _described(sent.system, sent.store, sent.statement[:_LONGEST_VERB].split(None, 1)[0])
        self._statements.record(sent.seconds, labels)
        parent = trace.get_current_span()
        if not parent.is_recording() and parent.get_span_context().is_valid:
            return  # the caller's trace is not sampled
        attributes: dict[str, str | int] = {**labels, "db.query.text": sent.statement}
        if sent.rows is not None:
            attributes["db.response.returned_rows"] = sent.rows
        if sent.error is not None:
            attributes["error.type"] = sent.error
        end = time_ns()
        start = end - int(sent.seconds * 1e9)
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=start)
        if sent.error is not None:
            span.set_status(StatusCode.ERROR, sent.error)
        span.end(end)

    def read(self, verb: str, collection: str) -> _SpanBlock:
        """A span around a read."""
        return _SpanBlock(self._tracer, *_read(verb, collection), self._reads)

    def commit(self) -> _SpanBlock:
        """A span around a commit."""
        return _SpanBlock(self._tracer, "commit", _NONE, self._commits)

    def phase(self, name: str) -> _SpanBlock:
        """A span around a phase of a commit."""
        return _SpanBlock(self._tracer, name, _NONE, None)


_NONE: dict[str, str] = {}
_LONGEST_VERB = 100  # characters


@lru_cache(maxsize=1000)
def _described(system: str, store: str, verb: str) -> tuple[str, dict[str, str]]:
    """The name of a statement's span, and the labels of its measures, which are not changed."""
    labels = {"db.system.name": system, "db.operation.name": verb, "holdall.store": store}
    return f"{verb} {store}", labels


@lru_cache(maxsize=1000)
def _read(verb: str, collection: str) -> tuple[str, dict[str, str]]:
    """The name of a read's span, and its attributes, which are not changed."""
    return f"{verb} {collection}", {"db.operation.name": verb, "db.collection.name": collection}


_POOLED: WeakSet[Pooled] = WeakSet()
"""The stores of this process whose connections are counted: an instrument of one name is made once."""


@cache
def _measures() -> tuple[Histogram, Histogram, Histogram]:
    """The durations of statements, reads and commits; with them come the figures of connections."""
    meter = metrics.get_meter(_NAME)
    meter.create_observable_up_down_counter(
        "db.client.connection.count", [_connections], "{connection}", "Connections by their state"
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.pending_requests", [_waiting], "{request}", "Callers that wait for a connection"
    )
    return (
        meter.create_histogram("db.client.operation.duration", "s", "Duration of statements that stores sent"),
        meter.create_histogram("holdall.read.duration", "s", "Duration of reads of sessions"),
        meter.create_histogram("holdall.commit.duration", "s", "Duration of commits of sessions"),
    )


def _connections(options: CallbackOptions) -> Iterable[Observation]:
    for name, figures in _figures():
        attributes = {"db.client.connection.pool.name": name}
        yield Observation(figures.idle, {**attributes, "db.client.connection.state": "idle"})
        yield Observation(figures.used, {**attributes, "db.client.connection.state": "used"})


def _waiting(options: CallbackOptions) -> Iterable[Observation]:
    for name, figures in _figures():
        if figures.waiting is not None:
            yield Observation(figures.waiting, {"db.client.connection.pool.name": name})


def _figures() -> Iterator[tuple[str, PoolFigures]]:
    for store in list(_POOLED):
        yield getattr(store, "name", ""), store.pool()


class _SpanBlock:
    """A block with a span that is current within, and a histogram of its durations.

    Of an error the span keeps the name, as sentences may hold values.
    """

    __slots__ = ("_attributes", "_begun", "_durations", "_name", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, name: str, attributes: dict[str, str], durations: Histogram | None) -> None:
        self._tracer = tracer
        self._name = name
        self._attributes = attributes
        self._durations = durations

    def __enter__(self) -> Self:
        self._begun = perf_counter()
        self._span = self._tracer.start_span(self._name, attributes=self._attributes)
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context.detach(self._token)
        if kind is not None:
            self._attributes = {**self._attributes, "error.type": kind.__name__}
            self._span.set_attribute("error.type", kind.__name__)
            if issubclass(kind, HoldallError):
                self._span.set_status(StatusCode.ERROR, kind.__name__)
        self._span.end()
        if self._durations is not None:
            self._durations.record(perf_counter() - self._begun, self._attributes)

    def ended(self, rows: int) -> None:
        """Note how many records or rows a read gave."""
        self._span.set_attribute("db.response.returned_rows", rows)

    def planned(self, promise: str, sizes: dict[str, int]) -> None:
        """Note what a commit writes."""
        self._span.set_attribute("holdall.promise", promise)
        for name, number in sizes.items():
            self._span.set_attribute(f"holdall.changes.{name}", number)
