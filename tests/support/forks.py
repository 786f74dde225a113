"""Run tests in processes that are forked when everything is collected: ``pytest --forks 4``.

Workers of pytest-xdist collect all tests each, which is a tenth of the time the whole suite takes, and every report is
written and read for their controller. Forks share what was collected. Tests of one class or file stay together, as
fixtures serve all of them; the processes take these groups one by one, the largest first, from a file whose offset
they share; those marked ``early`` in turn with the largest, as they take long and wait for much. Reports go to the
parent process, which tells of them as if the tests had run there. Needs ``os.fork``.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import selectors
import sys
import tempfile
import traceback
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from time import monotonic
from typing import IO, Any

import pytest

__all__ = ["pytest_addoption", "pytest_runtestloop"]

_TURN = 4  # bytes of the number of a group
_SHARE = 20  # of the time that a test may take: so much later one that hangs may be found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer ``--forks``."""
    told = "run tests in so many processes, forked after collection; auto: two more than there are cores"
    parser.addoption("--forks", type=_number, default=0, help=told)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what was collected in ``--forks`` processes; leave it to pytest where none are asked for."""
    forks: int = session.config.getoption("forks")
    if forks < 1 or session.config.option.collectonly or session.testsfailed:
        return None
    groups = _groups(session.items)
    with (
        tempfile.TemporaryFile(buffering=0) as turns,
        tempfile.TemporaryDirectory() as drawn,
        selectors.DefaultSelector() as waiting,
    ):
        if generated := sys.modules.get("holdall.testing.conformance.generated"):
            generated.share_drawn(Path(drawn))
        turns.write(b"".join(number.to_bytes(_TURN, "big") for number in range(len(groups))))
        turns.seek(0)
        for _ in range(min(forks, len(groups))):
            child = _forked(session, groups, turns)
            waiting.register(child.reports, selectors.EVENT_READ, child)
        _tell(session, waiting, turns)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
    return True


def _number(text: str) -> int:
    """``auto`` is two more than there are cores: many tests wait for locks, leases and servers."""
    return (os.cpu_count() or 1) + 2 if text == "auto" else int(text)


@dataclass
class _Child:
    pid: int
    reports: IO[bytes]
    location: tuple[str, tuple[str, int | None, str]] | None = None
    """Of the test that it runs."""
    unread: bytearray = field(default_factory=bytearray)


def _groups(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    """Tests by class or file, the largest first; those marked ``early``, which wait for much, in turn with them."""
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[item.nodeid.rpartition("::")[0]].append(item)
    for group in groups.values():
        if isinstance(first := group[0], pytest.Function) and hasattr(first.cls, "open_store"):
            group.sort(key=_place)  # a store need not load its records anew where tests that only read come together
    late: list[list[pytest.Item]] = []
    early: list[list[pytest.Item]] = []
    for group in sorted(groups.values(), key=len, reverse=True):
        (early if group[0].get_closest_marker("early") else late).append(group)
    return [group for pair in zip_longest(early, late) for group in pair if group is not None]


def _place(item: pytest.Item) -> int:
    """Where a test stands in the class that it is written in, and that one among those its own class is made of."""
    assert isinstance(item, pytest.Function)
    assert item.cls is not None
    return [name for kind in item.cls.__mro__ for name in vars(kind)].index(item.originalname)


def _forked(session: pytest.Session, groups: list[list[pytest.Item]], turns: IO[bytes]) -> _Child:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Child(pid, os.fdopen(reading, "rb", buffering=0))
    status = 1
    try:
        os.close(reading)
        _work(session, groups, turns, os.fdopen(writing, "wb"))
        status = 0
    except KeyboardInterrupt:
        pass
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


class _Reporter:
    """What a child registers in the place of the terminal: each report is written for the parent.

    A test that hangs shows where and ends the process, a little after its time: a thread for each test costs more.
    """

    def __init__(self, config: pytest.Config, output: IO[bytes], errors: int) -> None:
        self._config = config
        self._output = output
        self._errors = errors
        self._patience = float(config.getini("faulthandler_timeout") or 0.0)
        self._later = self._patience / _SHARE
        self._armed = -self._later

    def say(self, kind: str, content: object) -> None:
        message = pickle.dumps((kind, content))
        self._output.write(len(message).to_bytes(_TURN, "big") + message)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        if self._patience and monotonic() - self._armed >= self._later:
            self._armed = monotonic()
            faulthandler.dump_traceback_later(self._patience + self._later, exit=True, file=self._errors)
        self.say("start", (nodeid, location))
        self._output.flush()  # so that it is known where a process ended, and for other messages it is often enough

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.say("report", self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        self.say("warning", (str(warning_message), when, nodeid))


def _work(session: pytest.Session, groups: list[list[pytest.Item]], turns: IO[bytes], output: IO[bytes]) -> None:
    """Run one group after the other, in a child."""
    plugins = session.config.pluginmanager
    capture = plugins.getplugin("capturemanager")
    if capture is not None:  # its files are the parent's
        capture.stop_global_capturing()
    errors = os.dup(2)
    if capture is not None:
        capture.start_global_capturing()
    plugins.unregister(name="faulthandler")  # the reporter sees to it
    terminal = plugins.getplugin("terminalreporter")
    if terminal is not None:
        plugins.unregister(terminal)
    reporter = _Reporter(session.config, output, errors)
    plugins.register(reporter, "forks-reporter")
    hook = session.config.hook
    previous: pytest.Item | None = None
    for item in _items(groups, turns):
        if previous is not None:
            hook.pytest_runtest_protocol(item=previous, nextitem=item)
        previous = item
    if previous is not None:
        hook.pytest_runtest_protocol(item=previous, nextitem=None)
    reporter.say("end", None)
    output.flush()


def _items(groups: list[list[pytest.Item]], turns: IO[bytes]) -> Iterator[pytest.Item]:
    """The tests of the groups that nobody else has taken, until there are no more or the parent has ended it."""
    while turn := turns.read(_TURN):
        for item in groups[int.from_bytes(turn, "big")]:
            if turns.tell() > len(groups) * _TURN:
                return
            yield item


def _tell(session: pytest.Session, waiting: selectors.BaseSelector, turns: IO[bytes]) -> None:
    """Tell of every report, as pytest does, until the last child has ended."""
    while waiting.get_map():
        for key, _ in waiting.select():
            child: _Child = key.data
            read = os.read(key.fd, 1 << 16)
            child.unread += read
            for kind, content in _messages(child.unread):
                _told(session, child, kind, content)
            if not read:
                waiting.unregister(child.reports)
                child.reports.close()
                _ended(session, child, os.waitpid(child.pid, 0)[1])
            if session.shouldfail or session.shouldstop:
                turns.seek(1 << 30)


def _messages(unread: bytearray) -> Iterator[tuple[str, Any]]:
    while len(unread) >= _TURN and len(unread) >= (size := int.from_bytes(unread[:_TURN], "big") + _TURN):
        yield pickle.loads(unread[_TURN:size])
        del unread[:size]


def _told(session: pytest.Session, child: _Child, kind: str, content: Any) -> None:
    config = session.config
    match kind:
        case "start":
            child.location = content
            config.hook.pytest_runtest_logstart(nodeid=content[0], location=content[1])
        case "report":
            report = config.hook.pytest_report_from_serializable(config=config, data=content)
            config.hook.pytest_runtest_logreport(report=report)
            if report.when == "teardown":
                config.hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
        case "warning":
            text, when, nodeid = content
            session.config.issue_config_time_warning(pytest.PytestWarning(f"{nodeid} ({when}): {text}"), stacklevel=2)
        case "end":
            child.location = None


def _ended(session: pytest.Session, child: _Child, status: int) -> None:
    """Where a child ended within a test, that test has failed, and nothing else of its group was run."""
    code = os.waitstatus_to_exitcode(status)
    if child.location is None and code == 0:
        return
    nodeid, location = child.location or ("tests", ("tests", None, ""))
    told = f"the process of this test ended with {code}; tests of the same class or file after it were not run"
    report = pytest.TestReport(nodeid, location, {}, "failed", told, "call")
    session.config.hook.pytest_runtest_logreport(report=report)
