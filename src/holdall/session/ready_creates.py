"""Creates that need no session: of records that refer to none, by rules about users alone, and told to nobody."""

from __future__ import annotations

import time
from collections.abc import Sequence

from holdall.errors import CommitAborted, LockConflict, Reserved, ValidationError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.session.arranged import Arranged
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.outcome.acceptance import require_outcomes, take_keys
from holdall.session.commit.outcome.result import CommitResult, told_refused
from holdall.session.commit.outcome.tasks import Report, make_tasks
from holdall.session.commit.plan.additions import additions_alike, prepare_new
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.plan import Step
from holdall.session.commit.run.one_store import failure_of, leaves_in_doubt
from holdall.session.commit.run.undisturbed import Undisturbed
from holdall.store import CommitClass, Outcome, Runs, Store

__all__ = ["ReadyCreates"]

_CREATE = Right.CREATE


class ReadyCreates(Arranged):
    """Adds records of one collection to its store, each in a commit of its own.

    ``may_create`` is asked before each of them. Where it is False, or ``create`` gives False, a session is to be asked,
    which does everything else there is to a commit.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> None:
    ...     async with Holdall("atlas") as app:
    ...         app.add_store("main", "memory:")
    ...         app.add(Country, store="main", policy=Policy(read=Everyone, write=Everyone))
    ...         creates = ReadyCreates(app.bindings, "country")
    ...         print(creates.may_create(ANONYMOUS), await creates.create(Country(code="FR")))
    ...         async with app.session() as session:
    ...             print(await session.query(Country.where()))
    >>> import asyncio
    >>> asyncio.run(example())
    True True
    [Country(code='FR')]
    """

    def __init__(self, bindings: Bindings, collection: str) -> None:
        super().__init__(bindings, collection)
        self._is_plain = False
        self._is_checked = False  # whether records have rules of which fields know nothing

    def may_create(self, user: User) -> bool:
        """Whether a user may create records, in the arrangement of now, and nothing else is to be done for that."""
        binding, bindings = self._arranged(), self._bindings
        if not self._is_plain or bindings.instrument is not None or bindings.listening is not None:
            return False
        if bindings.inside is not None or (bindings.moves is not None and bindings.moves.is_noted(self._collection)):
            return False
        return binding.policy.allows(_CREATE, user)

    async def create(self, record: Record) -> bool:
        """Store a new record that is in no session, with the key and the version that it gets; return whether this was
        possible. Being cancelled does not stop it: once it has ended, CancelledError is raised.

        Raises ValidationError, CommitAborted where nothing was written, and CommitUnknown where nobody knows.
        """
        began, binding = time.perf_counter(), self._binding
        assert binding is not None
        if self._is_checked and (errors := binding.declaration.validate(record)):
            raise ValidationError(binding.model.__name__, errors)
        prepare_new(binding, [record])
        step = Step(tuple(additions_alike(binding, [record])))
        store, changes, report = binding.store, None, Report(step)

        def known() -> CommitResult:
            report.span = began, time.perf_counter() - began
            return CommitResult(Guarantee.ATOMIC, report.span[1], lambda: make_tasks([report], began))

        is_answered = False
        try:
            changes = changes_of(step, as_difference=True, is_alone=True)
            applying = _Applying(store, changes)
            outcomes = await applying.ended(applying.start())
            is_answered = True
            require_outcomes(step, changes, outcomes)
        except (Reserved, LockConflict):  # a session waits for what is in the way
            return False
        except Exception as error:
            report.failure = error
            is_in_doubt = is_answered or leaves_in_doubt(error)
            raise failure_of(error, store, changes, known(), self._bindings, is_in_doubt=is_in_doubt) from error
        report.outcomes = outcomes
        if (refusal := outcomes[0].error) is not None:
            raise CommitAborted(f"{told_refused(1, 0)}: {refusal}", known()) from refusal
        take_keys(step, outcomes)
        return True

    def _take(self, binding: Binding) -> None:
        bindings, declaration = self._bindings, binding.declaration
        has_more = (
            declaration.relations
            or declaration.outgoing
            or declaration.stamps
            or declaration.machines
            or declaration.deletion
            or binding.frozen_at_creation
            or binding.has_server_values
            or binding.record_access is not None
            or binding.is_read_only
            or binding.is_keyless
            or binding.model in bindings.file_fields
        )
        is_alone = not (bindings.has_replicas or bindings.has_late_keys)
        takes_all = binding.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)
        self._is_plain = is_alone and takes_all and binding.policy.is_plain and not has_more
        self._is_checked = bool(declaration.checks or declaration.mutable)


class _Applying(Undisturbed[Sequence[Outcome]]):
    """Changes on their way to a store."""

    def __init__(self, store: Store, changes: Runs) -> None:
        super().__init__()
        self._store = store
        self._changes = changes

    async def finish(self) -> Sequence[Outcome]:
        """Have the store apply them."""
        return await self._store.apply(self._changes)
