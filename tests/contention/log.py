"""What a writer tells of its commits, into a file that outlives it: each line is one write, whole or not there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

__all__ = ["ACKNOWLEDGED", "CANCELLED", "Begun", "Ended", "Log", "Told"]

ACKNOWLEDGED = frozenset({"done", "CommitPending"})
"""Ends after which a commit must have taken place."""

CANCELLED = "cancelled"
"""The end of one that may have taken place, wholly, or not at all."""


class Begun(msgspec.Struct, frozen=True, tag="b"):
    """A commit is about to write entries of these amounts to these accounts, by store; ``at`` in seconds."""

    id: str
    amounts: dict[int, int]
    accounts: dict[int, int]
    at: float


class Ended(msgspec.Struct, frozen=True, tag="e"):
    """How it ended: ``done``, the name of its error, or ``unread`` where it did not come to the commit, CANCELLED.

    ``cause`` names what refused it, ``says`` is its message; ``seconds`` is how long the commit took, ``move`` how long
    the move did with all tries, where this was the last.
    """

    id: str
    end: str
    at: float
    seconds: float
    cause: str = ""
    says: str = ""
    move: float = 0.0


class Log:
    """The file of one process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(self, message: Begun | Ended) -> None:
        """Add a line."""
        os.write(self._file, msgspec.json.encode(message) + b"\n")

    def close(self) -> None:
        os.close(self._file)

    @staticmethod
    def now() -> float:
        """Seconds by a clock that all processes of the machine share."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)


class Told:
    """All that was told so far; ``read`` takes in what came since."""

    def __init__(self) -> None:
        self.begun: dict[str, Begun] = {}
        self.ended: dict[str, Ended] = {}
        self._positions: dict[Path, int] = {}

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Self:
        told = cls()
        told.read(paths)
        return told

    def read(self, paths: Iterable[Path]) -> None:
        """Take in new lines of these files."""
        for path in paths:
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._positions.get(path, 0))
                for line in file:
                    message = msgspec.json.decode(line, type=Begun | Ended)
                    if isinstance(message, Begun):
                        self.begun[message.id] = message
                    else:
                        self.ended[message.id] = message
                self._positions[path] = file.tell()

    def end_of(self, commit: str) -> str:
        """How a commit ended, as its program was told; empty if it was not told."""
        ended = self.ended.get(commit)
        return "" if ended is None else ended.end
