"""Tracks that are counted by actions which are jobs, of every kind; calls are noted beside the stores."""

from __future__ import annotations

import asyncio
from typing import Any

from holdall import (
    Action,
    ActionPolicy,
    All,
    Context,
    Each,
    Everyone,
    Holdall,
    Model,
    Nothing,
    One,
    Policy,
    Role,
    SyncContext,
    User,
    field,
)

__all__ = [
    "ANN",
    "CALLS",
    "EVE",
    "GATES",
    "Count",
    "Hold",
    "Mark",
    "Once",
    "Plain",
    "Renew",
    "Tally",
    "Track",
    "filled",
    "tracks",
]

ANN = User("ann", frozenset({"reader"}), attributes={"teams": (1, 2)})
EVE = User("eve", frozenset({"reader"}))
CALLS: list[object] = []
GATES: dict[str, asyncio.Event] = {}


class Track(Model, collection="tracks"):
    id: int = field(pk=True)
    plays: int = 0
    owner: str = "ann"


class Count(Action[Track], on=Each, as_job=True):
    """Count a play."""

    by: int = field(default=1, ge=1)

    async def run(self, context: Context, track: Track) -> int:
        CALLS.append(track.id)
        if track.id == 13:
            raise ValueError("secret")
        track.plays += self.by
        return track.plays


class Tally(Action[Track], on=All, as_job=True):
    def run(self, context: SyncContext, tracks: list[Track]) -> dict[str, int]:
        for track in tracks:
            track.plays += 1
        return {"plays": sum(track.plays for track in tracks)}


class Renew(Action[Track], on=Nothing, as_job=True):
    number: int

    async def run(self, context: Context) -> Track:
        CALLS.append(context.user.id)
        return context.session.add(Track(id=self.number))


class Hold(Action[Track], on=One, as_job=True):
    """Wait until a test lets it go on."""

    async def run(self, context: Context, track: Track) -> str:
        track.plays += 1
        GATES["begun"].set()
        await GATES["hold"].wait()
        return "held"


class Once(Action[Track], on=Each, as_job=True, repeat=False):
    async def run(self, context: Context, track: Track) -> None:
        CALLS.append(track.id)
        track.plays += 1
        GATES["begun"].set()
        if "once" in GATES:
            await GATES["once"].wait()


class Plain(Action[Track], on=Each):
    async def run(self, context: Context, track: Track) -> int:
        track.plays += 1
        return track.plays


class Mark(Action[Track], on=One, as_job=True):
    async def run(self, context: Context, track: Track) -> int:
        track.plays = 100
        return 100


def tracks(url: str = "memory:", **stores: str) -> Holdall:
    app = Holdall("tracks")
    for name, each in ({"main": url} | stores).items():
        app.add_store(name, each)
    app.add(Track, store="main", policy=Policy(read=Everyone, write=Role("editor")))
    reader: dict[str, Any] = {"see": Everyone, "execute": Role("reader")}
    for action in (Count, Tally, Renew, Hold, Once, Plain):
        app.add_action(action, policy=ActionPolicy(**reader))
    app.add_action(Mark, policy=ActionPolicy(see=Everyone, execute=Role("reader") & (Track.owner == "ann")))
    return app


async def filled(app: Holdall, number: int) -> Holdall:
    CALLS.clear()
    GATES.clear()
    GATES["begun"] = asyncio.Event()
    await app.create()
    async with app.session() as session:
        session.add_all([Track(id=each) for each in range(1, number + 1)])
    return app
