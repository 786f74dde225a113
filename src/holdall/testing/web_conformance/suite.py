"""The suite, to be subclassed once per store."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

import pytest

from holdall import Holdall
from holdall.query import Op
from holdall.store import CommitClass, Provisioned, Store
from holdall.testing.client import Answer, Client
from holdall.testing.web_conformance.drawn import drawn_lists
from holdall.testing.web_conformance.scenarios import SCENARIOS
from holdall.testing.web_conformance.step import Scenario, differences, is_refused, play
from holdall.testing.web_conformance.world import filled, world

__all__ = ["ServedStore", "WebConformance"]

T = TypeVar("T")
_FEW, _MANY = 20, 1_000
_SECRET = b"the same for all, so that cursors are"


class ServedStore:
    """A service over one store, asked without ``await``. Example: :class:`WebConformance`."""

    def __init__(self, store: Store | str, seconds: float = 60.0) -> None:
        self.app: Holdall = world(store)
        self.store = self.app.stores["main"]
        self._seconds = seconds
        self._runner = asyncio.Runner()
        self._context = copy_context()
        self._client = Client(self.app.asgi(secret=_SECRET, docs=False), seconds=seconds)
        self._is_filled = False

    def open(self) -> None:
        """Create the collections anew where Holdall may."""
        self._run(self._open())

    async def _open(self) -> None:
        await self._drop()
        await self.app.create()
        await self._client.__aenter__()

    def close(self) -> None:
        """Drop the collections where Holdall may, and close the store."""
        try:
            self._run(self._drop())
            self._run(self._client.__aexit__(None, None, None))
        finally:
            self._runner.close()

    async def _drop(self) -> None:
        if isinstance(self.store, Provisioned):
            await self.store.drop()

    def play(self, scenario: Scenario) -> list[Answer]:
        """The answers to a scenario, which begins with the same records as every other."""
        if not self._is_filled:
            self._run(filled(self.app))
        self._is_filled = not scenario.is_writing
        return self._run(play(self._client, scenario))

    def lacks(self, scenario: Scenario) -> bool:
        """Whether the store does not declare all of the abilities that a scenario needs."""
        declared = self.store.capabilities
        if scenario.is_atomic and declared.commit not in (CommitClass.TX, CommitClass.BATCH):
            return True
        return any(
            need not in (declared.operators if isinstance(need, Op) else declared.features) for need in scenario.needs
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        # Not Runner.run: it sets a handler of signals each time, which costs more than many a request.
        loop = self._runner.get_loop()
        return loop.run_until_complete(loop.create_task(asyncio.wait_for(work, self._seconds), context=self._context))


class _Reference:
    """The answers of the service over the store in memory, which defines them."""

    def __init__(self) -> None:
        self._served: ServedStore | None = None
        self._answers: dict[str, list[Answer]] = {}

    def answers(self, scenario: Scenario) -> list[Answer]:
        if self._served is None:
            self._served = ServedStore("memory:")
            self._served.open()
            atexit.register(self._served.close)
        if scenario.name not in self._answers:
            self._answers[scenario.name] = self._served.play(scenario)
        return self._answers[scenario.name]


_REFERENCE = _Reference()
_SERVED: pytest.StashKey[ServedStore] = pytest.StashKey()


class WebConformance:
    """REST requests whose answers are the same over every store: statuses, bodies, tags and places.

    ``open_store`` gives an empty store, as for :class:`StoreConformance`. Requests that need an ability which the store
    does not declare may be refused, by name. Some lists are drawn; ``HOLDALL_WHOLE=1`` in the environment draws many.

    >>> class TestMine(WebConformance):
    ...     def open_store(self, request):
    ...         return "memory:"
    >>> served = ServedStore("memory:")
    >>> served.open()
    >>> for scenario in SCENARIOS[:2]:
    ...     TestMine().compare(served, scenario)
    >>> served.close()
    """

    seconds = 60.0
    """Seconds that one scenario may take."""
    seed = 11
    """Which lists are drawn."""

    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        """Return the store to test, or its URL; called once for the class, without a running loop.

        Raises UsageError where the class does not define the method.
        """
        raise pytest.UsageError("a class of WebConformance opens its store: def open_store(self, request)")

    @pytest.fixture
    def served(self, request: pytest.FixtureRequest) -> ServedStore:
        """The service over the store of the class."""
        owner = request.node.parent
        served: ServedStore | None = owner.stash.get(_SERVED, None)
        if served is None:
            served = owner.stash[_SERVED] = ServedStore(self.open_store(request), self.seconds)
            owner.addfinalizer(served.close)
            served.open()
        return served

    def compare(self, served: ServedStore, scenario: Scenario) -> None:
        """Play a scenario; raises AssertionError where an answer is not as it should be."""
        expected = _REFERENCE.answers(scenario)
        for step, answer in zip(scenario.steps, expected, strict=True):
            assert answer.status == step.status, (step, answer)
        for step, wanted, found in zip(scenario.steps, expected, served.play(scenario), strict=False):
            if is_refused(found) and served.lacks(scenario):
                continue
            told = differences(wanted, found)
            assert not told, f"{scenario.name}: {step.method} {step.url}: {'; '.join(told)}"

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
    def test_answers(self, served: ServedStore, scenario: Scenario) -> None:
        """A scenario is answered as over the store in memory."""
        self.compare(served, scenario)

    def test_drawn_lists(self, served: ServedStore) -> None:
        """Lists that are drawn are answered as over the store in memory."""
        for scenario in drawn_lists(_MANY if os.environ.get("HOLDALL_WHOLE") else _FEW, self.seed):
            self.compare(served, scenario)
