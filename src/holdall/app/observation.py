"""Observation of an application: who listens to its stores and sessions, decided anew whenever a session is opened."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import msgspec

from holdall.app.commit_log import COMMITS, CommitLog
from holdall.app.statement_log import StatementLog, logger_of
from holdall.errors import DeclarationError
from holdall.session import Act, Bindings, CommitAct, Instrument
from holdall.store import Observable, Observer, Sent, Store

if TYPE_CHECKING:
    from holdall.app.telemetry import Telemetry

__all__ = ["Observation", "Observing"]


_DEBUG = logging.DEBUG


class Observing(msgspec.Struct, frozen=True):
    """The parts of an application's work that it shows.

    Statements and commits are logged at DEBUG by the loggers ``holdall.sql``, ``.mongo``, ``.redis``, ``.yaml``,
    ``.rest`` and ``.commit``; ``echo`` writes the same lines to standard error. ``log_values`` shows values as well,
    secrets among them. A statement that took ``slow_query`` seconds is logged as a WARNING. ``telemetry`` makes spans
    and metrics of OpenTelemetry, for which ``holdall[telemetry]`` is installed.

    >>> Observing(slow_query=0.5).echo
    False
    """

    echo: bool = False
    log_values: bool = False
    slow_query: float | None = None
    telemetry: bool = False

    def __post_init__(self) -> None:
        for name in ("echo", "log_values", "telemetry"):
            if not isinstance(getattr(self, name), bool):
                raise DeclarationError(f"{name} is True or False")
        seconds: object = self.slow_query
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0):
            raise DeclarationError("slow_query is a number of seconds, or None")


class Observation:
    """Lets stores and sessions of one application show their work where anybody listens, and only there."""

    def __init__(self, bindings: Bindings, stores: Mapping[str, Store], observing: Observing) -> None:
        self._bindings = bindings
        self._stores = stores
        self._observing = observing
        self._telemetry = _telemetry(observing)
        self._seen: dict[str, Store] = {}
        self._listening: list[tuple[logging.Logger, bool]] = []
        """Each logger, and whether that was listening when it was last looked at."""
        bindings.look = self.look

    def change(self, observing: Observing) -> None:
        """Show something else from now on."""
        self._telemetry = _telemetry(observing)
        self._observing = observing
        self._seen = {}
        self._decide()

    def look(self) -> None:
        """Find out anew who listens: a logger may have been given another level, and a store may be new."""
        if self._seen == self._stores:
            for logger, was_listening in self._listening:
                if logger.isEnabledFor(_DEBUG) is not was_listening:
                    break
            else:
                return
        self._decide()

    def _decide(self) -> None:
        listening = {COMMITS: COMMITS.isEnabledFor(_DEBUG)}
        for name, store in self._stores.items():
            is_new = self._seen.get(name) is not store
            if is_new and self._telemetry is not None:
                self._telemetry.watch_pool(store)
            if isinstance(store, Observable):
                logger = logger_of(store.family)
                is_logged = listening[logger] = logger.isEnabledFor(_DEBUG)
                if is_new or (logger, is_logged) not in self._listening:
                    store.observe(self._observer(is_logged=is_logged))
        self._bindings.instrument = self._instrument(is_logged=listening[COMMITS])
        self._seen = dict(self._stores)
        self._listening = list(listening.items())

    def _observer(self, *, is_logged: bool) -> Observer | None:
        observing, found = self._observing, list[Observer]()
        if is_logged or observing.echo or observing.slow_query is not None:
            found.append(StatementLog(observing.slow_query, observing.log_values, observing.echo))
        if self._telemetry is not None:
            found.append(self._telemetry)
        return None if not found else found[0] if len(found) == 1 else _Observers(found)

    def _instrument(self, *, is_logged: bool) -> Instrument | None:
        found = list[Instrument]()
        if is_logged or self._observing.echo:
            found.append(CommitLog(is_echo=self._observing.echo))
        if self._telemetry is not None:
            found.append(self._telemetry)
        return None if not found else found[0] if len(found) == 1 else _Instruments(*found)


def _telemetry(observing: Observing) -> Telemetry | None:
    """The maker of spans and metrics, if it is asked for. Raises DeclarationError without its package."""
    if not observing.telemetry:
        return None
    try:
        from holdall.app.telemetry import Telemetry
    except ImportError as error:
        raise DeclarationError("telemetry needs OpenTelemetry: pip install 'holdall[telemetry]'") from error
    return Telemetry()


class _Observers:
    """Several observers as one."""

    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    def sent(self, sent: Sent) -> None:
        for observer in self._observers:
            observer.sent(sent)


class _Instruments:
    """Two instruments as one, of which the second listens to reads."""

    sees_reads = True

    def __init__(self, outer: Instrument, inner: Instrument) -> None:
        self._outer = outer
        self._inner = inner

    def read(self, verb: str, collection: str) -> AbstractContextManager[Act]:
        return self._inner.read(verb, collection)

    @contextmanager
    def commit(self) -> Iterator[CommitAct]:
        with self._outer.commit() as outer, self._inner.commit() as inner:
            yield _Acts(outer, inner)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        with self._outer.phase(name), self._inner.phase(name):
            yield


class _Acts:
    def __init__(self, *acts: CommitAct) -> None:
        self._acts = acts

    def planned(self, promise: str, sizes: dict[str, int]) -> None:
        for act in self._acts:
            act.planned(promise, sizes)
