"""Seeing that what the stores hold fits the models, and telling a person where it does not."""

from __future__ import annotations

import asyncio

from holdall.cli.failure import Failure
from holdall.cli.target import Target
from holdall.errors import HoldallError

__all__ = ["prepare"]


def prepare(target: Target, *, create: bool = False) -> int:
    """Create what is missing if asked, inspect every store and close them; how many collections there are.

    Raises Failure with every difference and what can be done about it.
    """
    app = target.app

    async def inspect() -> dict[str, list[str]]:
        try:
            if create:
                await app.create()
            return await app.inspect()
        finally:
            await app.close()

    try:
        found = asyncio.run(inspect())
    except HoldallError as error:
        raise Failure(str(error)) from error
    if found:
        raise Failure(_report(target.text, found, was_created=create))
    return len(list(app.collections()))


def _report(text: str, found: dict[str, list[str]], *, was_created: bool) -> str:
    lines = ["what is stored does not fit the models:"]
    lines += [f"  {store}: {difference}" for store, differences in found.items() for difference in differences]
    is_missing = any(" is missing" in difference for differences in found.values() for difference in differences)
    if is_missing and not was_created:
        lines.append(f"What is missing as a whole is made by: holdall create {text}")
    lines.append("What is there and differs is never touched: alter it, or remove it if its records can be made again.")
    return "\n".join(lines)
