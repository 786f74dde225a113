"""The part of an application that has jobs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TypeVar

from holdall.app.acting import Acting
from holdall.app.given import demand_name
from holdall.app.jobs import JobFunction, Jobs
from holdall.app.jobs.declared_job import DeclaredJob
from holdall.app.long_actions import LongActions
from holdall.app.moving import MoveJobs, Moving
from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.policy import User
from holdall.query import AnyQuery, Value
from holdall.session import Session

__all__ = ["Jobbed"]

F = TypeVar("F", bound=JobFunction)


class Jobbed(Acting, Moving):
    """An application with long work to do, moves of collections among it. Example: :class:`holdall.app.jobs.Jobs`."""

    context: Callable[..., Value]

    @cached_property
    def jobs(self) -> Jobs:
        """Return the jobs, to be started, run, listed and cancelled. Example: :class:`holdall.app.jobs.Jobs`."""
        jobs = Jobs(self.bindings, lambda command: self.context({"command": command}))
        jobs.others.append(MoveJobs(self))
        jobs.others.append(LongActions(self.bindings, jobs, self.by_name, self._opened))
        return jobs

    @property
    def long_actions(self) -> LongActions:
        """Return the actions that are jobs, for those who run them. Example: ``docs/actions.md``."""
        return next(each for each in self.jobs.others if isinstance(each, LongActions))

    def _opened(self, command: str, user: User) -> AbstractAsyncContextManager[Value]:
        found: AbstractAsyncContextManager[Value] = self.context({"command": command}, user=user)
        return found

    async def start_action(
        self, session: Session, action: object, on: object = None, *, max_affected: int = 1_000
    ) -> str:
        """Note an action as a job, for the user of a session, and return its id; ``app.jobs.run(id)`` does the work.

        ``on`` is a record, several or a query, for the records that it means now, within ``max_affected``. On each of
        some records the action is done in commits of a hundred. Raises as ``Session.act`` for what may not be done now,
        StateError for an action that gives a file. Example: ``docs/actions.md``.
        """
        return await self.long_actions.start(session, action, on, max_affected)

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
