"""The log of commits: one line for each, when it has ended."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

from holdall.session import Act, CommitAct

__all__ = ["COMMITS", "CommitLog"]

COMMITS = logging.getLogger("holdall.commit")

_current: ContextVar[_Commit | None] = ContextVar("holdall_logged_commit", default=None)


class _Commit:
    """One commit: what it writes, and the seconds of its phases."""

    def __init__(self) -> None:
        self.promise = "nothing to do"
        self.sizes: dict[str, int] = {}
        self.phases: dict[str, float] = {}

    def planned(self, promise: str, sizes: dict[str, int]) -> None:
        self.promise, self.sizes = promise, sizes


class CommitLog:
    """Logs each commit at DEBUG, those that fail as well: with ``stores``, ``promise``, ``seconds``, ``phases`` and
    ``failure`` as attributes of the log's record.

    ``is_echo`` writes the line to standard error as well, whatever logging is set to.
    """

    sees_reads = False

    def __init__(self, *, is_echo: bool = False) -> None:
        self._is_echo = is_echo

    @contextmanager
    def read(self, verb: str, collection: str) -> Iterator[Act]:
        """Around a read, of which nothing is logged here."""
        yield _Unseen()

    @contextmanager
    def commit(self) -> Iterator[CommitAct]:
        """Around a commit."""
        commit, begun = _Commit(), perf_counter()
        token = _current.set(commit)
        failure = None
        try:
            yield commit
        except BaseException as error:
            failure = type(error).__name__
            raise
        finally:
            _current.reset(token)
            if commit.sizes or failure is not None:
                self._log(commit, perf_counter() - begun, failure)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Around a phase of the commit under way."""
        commit, begun = _current.get(), perf_counter()
        try:
            yield
        finally:
            if commit is not None:
                commit.phases[name] = commit.phases.get(name, 0.0) + perf_counter() - begun

    def _log(self, commit: _Commit, seconds: float, failure: str | None) -> None:
        stores = ", ".join(f"{number} in {name}" for name, number in commit.sizes.items())
        phases = "".join(f", {name} {spent:.6f} s" for name, spent in commit.phases.items())
        end = "" if failure is None else f", failed: {failure}"
        line = f"commit of {stores or 'nothing'}, {commit.promise} ({seconds:.6f} s{phases}{end})"
        if COMMITS.isEnabledFor(logging.DEBUG):
            extra = {
                "stores": commit.sizes,
                "promise": commit.promise,
                "seconds": seconds,
                "phases": commit.phases,
                "failure": failure,
            }
            COMMITS.debug("%s", line, extra=extra)
        if self._is_echo:
            print(line, file=sys.stderr)  # noqa: T201 - that is what an echo is


class _Unseen:
    def ended(self, rows: int) -> None:
        pass
