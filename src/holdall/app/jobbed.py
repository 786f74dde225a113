"""The part of an application that has jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from holdall.app.given import demand_name
from holdall.app.jobs import JobFunction, Jobs
from holdall.app.jobs.declared_job import DeclaredJob
from holdall.app.moving import MoveJobs, Moving
from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.query import AnyQuery, Value
from holdall.service import Registry

__all__ = ["Jobbed"]

F = TypeVar("F", bound=JobFunction)


class Jobbed(Moving):
    """An application with long work to do, moves of collections among it. Example: :class:`holdall.app.jobs.Jobs`."""

    registry: Registry
    context: Callable[..., Value]

    @cached_property
    def jobs(self) -> Jobs:
        """Return the jobs, to be started, run, listed and cancelled. Example: :class:`holdall.app.jobs.Jobs`."""
        jobs = Jobs(self.bindings, lambda command: self.context({"command": command}))
        jobs.others.append(MoveJobs(self))
        return jobs

    def job(self, name: str, *, over: type[Model] | AnyQuery, batch: int = 500, part: int = 10_000) -> Callable[[F], F]:
        """Declare a job: a function over all records of a model, or those that a condition means.

        ``@app.job("slugs", over=Book)`` before ``async def slugs(context, books, *, prefix)``. The function is called
        for each ``batch`` of records, in a context of its own, whose session is committed with the note of how far the
        job has come; it gives numbers by name, which are added up, or None. Inputs are given by name, as JSON. One
        worker at a time works on a ``part``, which is a number of records, too. Raises DeclarationError for a name that
        is taken, and a query that is cut or sorted. Example: :class:`holdall.app.jobs.Jobs`.
        """
        demand_name("a job", name)

        def take(function: F) -> F:
            self.jobs.add(DeclaredJob.of(name, function, over, batch, part))
            return function

        return take

    def keep_jobs(self, *, store: str) -> None:
        """Name the store that keeps the notes of jobs; without one, the first that takes notes into its commits.

        Raises DeclarationError for a store that is not there. Example: ``docs/jobs.md``.
        """
        if store not in self.stores:
            raise DeclarationError(f"there is no store {store!r}; add it with add_store({store!r}, url)")
        self.jobs.store = self.stores[store]
