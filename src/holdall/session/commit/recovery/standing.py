"""How each part of an unfinished commit stands, as far as its store can be asked."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import msgspec

from holdall.errors import HoldallError, StoreTimeout, StoreUnavailable
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.replay import is_written, obstacle, unknown_part
from holdall.session.journal.log_record import LogRecord, Part
from holdall.session.journal.row import JournalRow, JournalState

__all__ = ["PartStanding", "Standing", "standings_of"]

_ASKING_SECONDS = 5.0  # for each store; one that is away must not keep an operator from the list


class Standing(StrEnum):
    """The state of a part, as far as it is known."""

    WRITTEN = "written"
    NOT_WRITTEN = "not written"
    REFUSED = "refused"
    CALLS = "calls"  # each call has a state of its own
    UNKNOWN = "unknown"


class PartStanding(msgspec.Struct, frozen=True):
    """How one part stands; ``reason`` is what its store said where it refused or cannot be asked."""

    store: str
    standing: Standing
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.standing.value}: {self.reason}" if self.reason else self.standing.value


async def standings_of(coordinator: Coordinator, row: JournalRow, away: dict[str, str]) -> tuple[PartStanding, ...]:
    """Ask the stores of all parts at once, each for some seconds at most.

    ``away`` are the stores that did not answer, and why; they are not asked again, so that a list of many commits
    waits for each of them once.
    """
    return tuple(await asyncio.gather(*(_standing(coordinator, row, part, away) for part in row.record.parts)))


async def _standing(coordinator: Coordinator, row: JournalRow, part: Part, away: dict[str, str]) -> PartStanding:
    if part.by_call:
        return PartStanding(part.store, Standing.CALLS)
    if part.error:
        return PartStanding(part.store, Standing.REFUSED, part.error)
    if part.is_done:
        return PartStanding(part.store, Standing.WRITTEN)
    if not row.record.is_decided and row.state is not JournalState.DECIDED:
        return PartStanding(part.store, Standing.NOT_WRITTEN)
    if unknown := unknown_part(coordinator, LogRecord([part])):
        return PartStanding(part.store, Standing.UNKNOWN, unknown)
    if part.store in away:
        return PartStanding(part.store, Standing.UNKNOWN, away[part.store])
    try:
        async with asyncio.timeout(_ASKING_SECONDS):
            is_there = await is_written(coordinator, row.id, part)
    except TimeoutError:
        away[part.store] = f"the store did not answer in {_ASKING_SECONDS:g} s"
        return PartStanding(part.store, Standing.UNKNOWN, away[part.store])
    except (StoreTimeout, StoreUnavailable) as error:
        away[part.store] = str(error)
        return PartStanding(part.store, Standing.UNKNOWN, str(error))
    except HoldallError as error:
        return PartStanding(part.store, Standing.UNKNOWN, str(error))
    if is_there:
        return PartStanding(part.store, Standing.WRITTEN)
    return PartStanding(part.store, Standing.NOT_WRITTEN, obstacle(coordinator, row.id, part))
