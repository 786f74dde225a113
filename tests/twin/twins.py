"""Two shops, one in a single store and one scattered: whatever is done to both, both answer alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdall import Holdall
from holdall.errors import (
    AlreadyExists,
    CommitAborted,
    HoldallError,
    LimitExceeded,
    ReferenceViolation,
    StoreError,
    UniqueViolation,
    Unsupported,
    ValidationError,
)
from holdall.query import Query
from holdall.session import Compensate
from holdall.store import CommitClass
from tests.twin.acts import Act, Acts
from tests.twin.models import MODELS, stock

__all__ = ["Twins", "run", "shop"]

_LOOK_EVERY = 250
_CONFLICTS = [
    f"{CommitAborted.__name__} because of {reason.__name__}"
    for reason in (AlreadyExists, UniqueViolation, ReferenceViolation)
]


class Twins:
    """Two apps over the same models.

    ``done`` counts acts by kind and answer, ``refused`` what the scattered one would not do, ``mixed`` acts that both
    refused, but for another of several reasons.
    """

    def __init__(self, together: Holdall, scattered: Holdall) -> None:
        self._together = together
        self._scattered = scattered
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.mixed = 0
        self.differences: list[str] = []

    async def live(self, seed: int, acts: int) -> None:
        """Do so many acts, drawn from the seed, to both."""
        try:
            for app in (self._together, self._scattered):
                await app.create()
                for record in stock():
                    async with app.session() as session:
                        session.add(record)
            drawn = Acts(seed, self._together)
            for number in range(1, acts + 1):
                name, act = drawn.draw()
                await self._do(f"{number} {name}", name, act)
                if number % _LOOK_EVERY == 0 or number == acts:
                    await self._compare(f"after {number} acts")
        finally:
            for app in (self._together, self._scattered):
                await app.close()

    async def _do(self, what: str, name: str, act: Act) -> None:
        one, other = await _answer(act, self._together), await _answer(act, self._scattered)
        if other in (Unsupported.__name__, LimitExceeded.__name__):
            self.refused[f"{name}: {other}"] += 1
            return
        self.done[f"{name}: {one if isinstance(one, str) else 'answered'}"] += 1
        if one in _CONFLICTS and other in _CONFLICTS:
            self.mixed += one != other  # of several reasons, either may be the one that is told
        elif one != other:
            self.differences.append(f"{what} {act}: {one!r} together, {other!r} scattered")

    async def _compare(self, when: str) -> None:
        for model in MODELS:
            one, other = await _content(self._together, model), await _content(self._scattered, model)
            if one != other:
                collection = model.__holdall__.collection
                self.differences.append(
                    f"{when} {collection} differ: {sorted(one - other)} together, {sorted(other - one)} scattered"
                )


async def _content(app: Holdall, model: Any) -> set[str]:
    binding = next(binding for binding in app.collections() if binding.model is model)
    return set(map(repr, await binding.store.fetch(Query(binding.collection))))


async def _answer(act: Act, app: Holdall) -> Any:
    """What came of it: the answer, or what was refused and why."""
    try:
        return await act(app)
    except HoldallError as error:
        return _refusal(error)


def _refusal(error: HoldallError) -> str:
    """The error's name and its reason's.

    A reference that leads nowhere is refused by the store that keeps both ends, or before that by the session where
    they lie in two: that is the same here.
    """
    if isinstance(error, ValidationError) and {item.code for item in error.errors} == {"reference"}:
        return f"{CommitAborted.__name__} because of {ReferenceViolation.__name__}"
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, StoreError):
        reason = reason.__cause__
    if reason is None or reason is error:
        return type(error).__name__
    kind = ReferenceViolation if isinstance(reason, ReferenceViolation) else type(reason)
    return f"{type(error).__name__} because of {kind.__name__}"


def shop(journal: Path, stores: Mapping[str, tuple[str, Mapping[str, Any]]], places: Sequence[str]) -> Holdall:
    """A shop over these stores, by name: URL and options; ``places`` says where each model is kept."""
    app = Holdall("shop", journal=f"sqlite:///{journal}")
    for name, (url, options) in stores.items():
        app.add_store(name, url, **options)
    for model, place in zip(MODELS, places, strict=True):
        is_called = app.stores[place].capabilities.commit in (CommitClass.IDEMP, CommitClass.ONCE)
        app.add(model, store=place, compensation=Compensate.INVERSE if is_called else None)
    return app


def run(twins: Twins, seed: int, acts: int) -> None:
    """The whole life of the twins, in a loop of its own."""
    asyncio.run(twins.live(seed, acts))
