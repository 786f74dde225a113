"""The plans of MongoDB for queries, in its own words."""

from __future__ import annotations

from collections.abc import Mapping

import pymongo
from bson import json_util

from holdall.query import AnyQuery, Value
from holdall.store import StorePlan
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.reading import Reader
from holdall.stores.mongo.source import Source
from holdall.stores.mongo.watching import form_of

__all__ = ["explained"]

_FIGURES = ("nReturned", "executionTimeMillis", "totalKeysExamined", "totalDocsExamined")


async def explained(source: Source, reader: Reader, query: AnyQuery, *, analyze: bool) -> StorePlan:
    """The command of a query and the server's plan for it; with ``analyze`` the server carries it out."""
    command = await reader.command(query)
    if command is None:
        return StorePlan("", "documents are found by the condition, and sorted or grouped here")
    verbosity = "executionStats" if analyze else "queryPlanner"
    with translating(source.store), pymongo.timeout(source.timeout):
        told = await source.database.command("explain", command, verbosity=verbosity, session=source.session)
    return StorePlan(form_of(command), _text(told))


def _text(told: Mapping[str, Value]) -> str:
    """The winning plan as JSON, and the figures of its execution where there are any."""
    planner, figures = _part(told, "queryPlanner"), _part(told, "executionStats")
    plan = json_util.dumps(planner.get("winningPlan", planner), indent=1)
    told_figures = ", ".join(f"{name}: {figures[name]}" for name in _FIGURES if name in figures)
    return f"{plan}\n{told_figures}" if told_figures else plan


def _part(told: Mapping[str, Value], name: str) -> Mapping[str, Value]:
    """A part of an explanation, which that of an aggregation has within its first stage."""
    found = told.get(name)
    if isinstance(found, Mapping):
        return found
    for stage in told.get("stages", ()):
        for inner in stage.values():
            if isinstance(inner, Mapping) and isinstance(inner.get(name), Mapping):
                return inner[name]  # type: ignore[no-any-return]
    return {}
