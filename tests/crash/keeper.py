"""Keeps a world through many lives of its program, and holds what each life finds against what was told before."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.crash.audit import End, audit
from tests.crash.failpoints import Failpoint
from tests.crash.models import World
from tests.crash.worker import Found, Job, Passed, Told
from tests.crash.zygote import Death
from tests.servers.api import Called
from tests.support.preloaded import PreloadedProcess

__all__ = ["Keeper", "Program"]


class Program:
    """The process from which lives are forked, for the time of a ``with`` block."""

    def __enter__(self) -> Self:
        self._process = PreloadedProcess("-m", "tests.crash.zygote", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.wait(60) and error is None:
            raise AssertionError(f"the program ended with {self._process.returncode}")

    def live(self, job: Job) -> Death:
        """One life, to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(job) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Death)


class Keeper:
    """A world and its program. ``kills`` counts lives that were ended, ``audits`` how often all was looked at.

    ``points`` are the failpoints that its program has been seen to pass.
    """

    def __init__(self, program: Program, world: World) -> None:
        self._program = program
        self._world = world
        self._log = Path(world.folder) / "log"
        self._read = 0
        self._transfers: dict[str, End] = {}
        self._is_first = True
        self._wrong: dict[str, None] = {}
        self.points: dict[Failpoint, None] = {}
        self.kills = 0
        self.audits = 0

    @property
    def wrong(self) -> list[str]:
        """Everything wrong that was seen, each once."""
        return list(self._wrong)

    @property
    def acknowledged(self) -> int:
        """How many transfers the program was told to be done."""
        return sum(end.end == "done" for end in self._transfers.values())

    def live(
        self,
        seed: int,
        *,
        transfers: int = 3,
        point: Failpoint | None = None,
        after: int = 0,
        delay: float | None = None,
        plant: str = "",
        has_rival: bool = False,
    ) -> bool:
        """One more life; tells whether it was killed. What is found when it begins is audited."""
        is_first, self._is_first = self._is_first, False
        job = Job(self._world, str(self._log), seed, transfers, point, after, delay, is_first, plant, has_rival)
        death = self._program.live(job)
        self.kills += death.is_killed
        if death.said:
            self._wrong[f"failed: {death.said}"] = None
        self._look()
        return death.is_killed

    def _look(self) -> None:
        with self._log.open("rb") as file:
            file.seek(self._read)
            told = file.read()
            self._read = file.tell()
        for line in told.splitlines():
            message = msgspec.json.decode(line, type=Found | Passed | Told)
            if isinstance(message, Found):
                self._audit(message)
            elif isinstance(message, Passed):
                self.points |= dict.fromkeys(message.points)
            else:
                self._transfers[message.transfer] = End(message.transfer, message.end, message.amounts, message.cancels)

    def _audit(self, found: Found) -> None:
        self.audits += 1
        calls = self._calls()
        self._wrong |= dict.fromkeys(audit(found.contents, self._transfers, frozenset(found.listed), calls))
        if found.seconds > 5.0:
            self._wrong[f"slow: recovery took {found.seconds:.1f} s"] = None

    def _calls(self) -> dict[str, list[Called]]:
        """What the API that must not get a call twice was sent."""
        if "once" not in self._world.kinds:
            return {}
        with urllib.request.urlopen(f"{self._world.api}/once/{self._world.name}/once_entry/-", timeout=10) as answer:
            told = msgspec.json.decode(answer.read(), type=dict[str, msgspec.Raw])
        return {"once": msgspec.json.decode(told["calls"], type=list[Called])}
