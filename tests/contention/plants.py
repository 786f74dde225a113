"""Faults planted in a writer to see whether they are caught; ``HOLDALL_PLANT`` names the one of this process."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

from holdall import Holdall
from holdall.store import APPLIED, Change, Outcome

__all__ = ["PLANTS", "plant_named"]

_VARIABLE = "HOLDALL_PLANT"
_SHARE = 0.1  # of all writes, which are forgotten


def _forgets(store: Any) -> None:
    """Some of what is written is said to be written, and is not."""
    chance = random.Random(1)
    apply = store.apply
    commit_prepared = getattr(store, "commit_prepared", None)

    async def forgetful(changes: Sequence[Change]) -> Sequence[Outcome]:
        if chance.random() < _SHARE:
            return [APPLIED] * len(changes)
        outcomes: Sequence[Outcome] = await apply(changes)
        return outcomes

    async def forgetful_part(commit: str, changes: Sequence[Change]) -> bool:
        if chance.random() < _SHARE:
            await store.roll_back_prepared(commit)
            return True
        return bool(await commit_prepared(commit, changes)) if commit_prepared is not None else False

    store.apply = forgetful
    if commit_prepared is not None:
        store.commit_prepared = forgetful_part


def _lets_go(store: Any) -> None:
    """It says that it holds its part, and does not; the part is written after the decision without asking."""
    prepare = getattr(store, "prepare", None)
    if prepare is None:
        return

    async def unheld(reservation: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes: Sequence[Outcome] = await prepare(reservation, changes)
        await store.roll_back_prepared(reservation.commit)
        return outcomes

    store.prepare = unheld


PLANTS: dict[str, Callable[[Any], None]] = {"forgets": _forgets, "lets go": _lets_go}


def plant_named(app: Holdall) -> None:
    """Plant the fault that the environment names in the last store, which is nobody's home."""
    name = os.environ.get(_VARIABLE, "")
    if name:
        PLANTS[name](list(app.stores.values())[-1])
