"""``holdall doctor``: is everything here that an application needs, and does each of its stores answer?"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from typing import Annotated

import typer

import holdall
from holdall.app import Holdall, StoreHealth, StoreState
from holdall.cli.failure import REFUSED
from holdall.cli.installed import extras
from holdall.cli.plain import line
from holdall.cli.running import run_in
from holdall.cli.target import Target
from holdall.errors import HoldallError
from holdall.model.native import is_native
from holdall.store import Store

__all__ = ["doctor"]

MaybeTarget = Annotated[
    str | None, typer.Argument(metavar="[MODULE:APP]", help="An application, whose stores are looked at, too.")
]
Seconds = Annotated[float, typer.Option("--timeout", min=0.1, max=600, help="Seconds for each store to answer.")]

_GOOD, _NOTE, _BAD = "ok", "note", "FAIL"


def doctor(target: MaybeTarget = None, seconds: Seconds = 5.0) -> None:
    """Look at Python, at the packages of every extra and at the stores of an application; ends with 1 for a failure."""
    told = _Told()
    _environment(told)
    _packages(told)
    if target is not None:
        app = Target(target).app
        run_in(app, _application(app, target, seconds, told))
    if told.failures:
        raise typer.Exit(REFUSED)


class _Told:
    """Prints findings, and counts those that are failures."""

    def __init__(self) -> None:
        self.failures = 0

    def __call__(self, state: str, about: str, text: str) -> None:
        self.failures += state == _BAD
        print(line(f"{state:<5} {about}: {text}"))


def _environment(told: _Told) -> None:
    told(_GOOD, "holdall", f"{version('holdall')} in {holdall.__path__[0]}")
    told(
        _GOOD,
        "python",
        f"{platform.python_version()} ({platform.python_implementation()}) on {platform.platform(terse=True)}",
    )
    told(
        *(
            (_GOOD, "speed", "the part in C is in use")
            if is_native
            else (_NOTE, "speed", "the part in C is not in use: writes of fields are slower, and the same")
        )
    )
    if sys.flags.optimize:
        told(_NOTE, "python", "-O leaves assertions out")


def _packages(told: _Told) -> None:
    for extra in extras():
        there = ", ".join(f"{name} {version}" for name, version in extra.there.items())
        if not extra.amiss:
            told(_GOOD, f"holdall[{extra.name}]", there)
            continue
        amiss = ", ".join(f"{name} ({why})" for name, why in extra.amiss.items())
        told(_NOTE, f"holdall[{extra.name}]", f"{amiss}; where you need it: pip install 'holdall[{extra.name}]'")


async def _application(app: Holdall, target: str, seconds: float, told: _Told) -> None:
    app.bindings.configure()
    told(_GOOD, target, f"{app.name}, {len(app.stores)} stores, {len(list(app.collections()))} collections")
    health = await app.health(timeout=seconds)
    for name, found in health.stores.items():
        told(*_answer(name, found, app.stores[name]))
    if not health.is_well:
        return
    try:
        differences = await app.inspect()
        unfinished = await app.recovery.unfinished()
    except HoldallError as error:
        told(_BAD, target, str(error))
        return
    for name, each in differences.items():
        told(_BAD, f"store {name}", f"{len(each)} differences from the models: holdall check {target} lists them")
    if not differences:
        told(_GOOD, target, "all that is stored fits the models")
    if unfinished:
        told(_NOTE, target, f"{len(unfinished)} commits are not over: holdall commits list {target}")


def _answer(name: str, found: StoreHealth, store: Store) -> tuple[str, str, str]:
    about = f"store {name}"
    if found.state is StoreState.DOWN:
        return _BAD, about, f"{found.reason}; see that it runs, and that its URL names the right host and user"
    took = "" if found.seconds is None else f"answers in {found.seconds * 1000:.0f} ms, "
    lasting = "" if store.capabilities.is_durable else "; it forgets everything at the end of the process"
    state = _GOOD if store.capabilities.is_durable else _NOTE
    return state, about, f"{took}commits by {store.capabilities.commit.value}{lasting}"
