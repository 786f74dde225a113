"""Seeing that what the stores hold fits the models, and telling a person where it does not."""

from __future__ import annotations

import asyncio
import sys

from holdall.cli.failure import Failure
from holdall.cli.target import Target
from holdall.errors import HoldallError
from holdall.store import Revisable, named

__all__ = ["prepare"]


def prepare(target: Target, *, create: bool = False, is_served: bool = False) -> dict[str, list[str]]:
    """Create what is missing if asked, inspect every store and close them; the differences that are accepted, by store.

    Raises Failure with every difference and what can be done about it. If the application ``is_served``, single records
    that are amiss are only reported: its lists tell them apart, and clients may repair them.
    """
    app = target.app

    async def inspect() -> tuple[dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]:
        try:
            if create:
                await app.create()
            found = await app.inspect()
            accepted = await app.accepted() if any(each.accepted for each in app.collections()) else {}
            return found, await app.obstacles() if found and is_served else found, accepted
        finally:
            await app.close()

    try:
        found, obstacles, accepted = asyncio.run(inspect())
    except HoldallError as error:
        raise Failure(str(error)) from error
    if obstacles:
        has_tables = any(isinstance(app.stores[name], Revisable) for name in obstacles)
        raise Failure(_report(target.text, obstacles, was_created=create, has_tables=has_tables))
    for store, differences in found.items():
        for difference in differences:
            print(f"warning: {store}: {difference}", file=sys.stderr)
    for store, parts in app.passed_over().items():
        for part in parts:
            print(f"note: {store}: {part}", file=sys.stderr)
    return accepted


def _report(text: str, found: dict[str, list[str]], *, was_created: bool, has_tables: bool) -> str:
    lines = ["what is stored does not fit the models:"]
    lines += [f"  {store}: {named(difference)}" for store, differences in found.items() for difference in differences]
    is_missing = any(" is missing" in difference for differences in found.values() for difference in differences)
    if is_missing and not was_created:
        lines.append(f"What is missing as a whole is made by: holdall create {text}")
    lines.append("What is there and differs is never touched: alter it, or remove it if its records can be made again.")
    if has_tables:
        lines.append(f"Tables are altered by holdall db revision {text} -m …, and holdall db upgrade {text}")
    names = [told for differences in found.values() for told in differences if named(told) != told]
    if names:
        lines.append("A difference with a name in brackets can be taken as it is: app.add(..., accept=[name]).")
    return "\n".join(lines)
