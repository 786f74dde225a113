"""Seeing that what the stores hold fits the models, and telling a person where it does not."""

from __future__ import annotations

import asyncio
import sys

from holdall.cli.failure import Failure
from holdall.cli.target import Target
from holdall.errors import HoldallError

__all__ = ["prepare"]


def prepare(target: Target, *, create: bool = False, is_served: bool = False) -> int:
    """Create what is missing if asked, inspect every store and close them; how many collections there are.

    Raises Failure with every difference and what can be done about it. If the application ``is_served``, single records
    that are amiss are only reported: its lists tell them apart, and clients may repair them.
    """
    app = target.app

    async def inspect() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        try:
            if create:
                await app.create()
            found = await app.inspect()
            return found, await app.obstacles() if found and is_served else found
        finally:
            await app.close()

    try:
        found, obstacles = asyncio.run(inspect())
    except HoldallError as error:
        raise Failure(str(error)) from error
    if obstacles:
        raise Failure(_report(target.text, obstacles, was_created=create))
    for store, differences in found.items():
        for difference in differences:
            print(f"warning: {store}: {difference}", file=sys.stderr)
    return len(list(app.collections()))


def _report(text: str, found: dict[str, list[str]], *, was_created: bool) -> str:
    lines = ["what is stored does not fit the models:"]
    lines += [f"  {store}: {difference}" for store, differences in found.items() for difference in differences]
    is_missing = any(" is missing" in difference for differences in found.values() for difference in differences)
    if is_missing and not was_created:
        lines.append(f"What is missing as a whole is made by: holdall create {text}")
    lines.append("What is there and differs is never touched: alter it, or remove it if its records can be made again.")
    return "\n".join(lines)
