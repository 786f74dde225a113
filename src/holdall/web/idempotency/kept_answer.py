"""Answers that are kept for repetitions: a hidden collection of them in each store that is written."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from holdall.errors import DeclarationError, HoldallError
from holdall.model import Model, field
from holdall.policy import Everyone, Nobody, Policy
from holdall.session import Binding, Bindings, Session
from holdall.store import Store, can_keep_rows, hidden_name
from holdall.web.once import Idempotency
from holdall.web.reply import Reply

__all__ = ["KeptAnswers", "is_hidden", "kept_answers"]

_log = logging.getLogger("holdall.web")
_PREFIX = "holdall_answers"
_SWEEP_EACH, _SWEEP_AT_MOST = 200, 500  # kept answers


def kept_answers(bindings: Bindings, idempotency: Idempotency) -> dict[str, KeptAnswers]:
    """The kept answers for each collection that can be written, by its name; their collections are added.

    Those of a store that takes one record at a time lie in the first store that can keep them in a commit.
    Raises DeclarationError where no store can keep answers. Example: :class:`Idempotency`.
    """
    known = {binding.collection: binding for binding in bindings}
    written = [binding for binding in known.values() if not is_hidden(binding.collection) and not binding.is_read_only]
    able = {binding.store.name: binding.store for binding in written if can_keep_rows(binding.store)}
    by_store = {name: _kept_in(bindings, known, store, idempotency) for name, store in able.items()}
    if not by_store and written:
        raise DeclarationError(
            "idempotency: no store of a collection can keep answers with its commits; add a database"
        )
    home = next(iter(by_store.values()), None)
    return {
        binding.collection: kept for binding in written if (kept := by_store.get(binding.store.name, home)) is not None
    }


def is_hidden(collection: str) -> bool:
    """Whether a collection is one of kept answers, which no request reaches. Example: :class:`Idempotency`."""
    return collection.startswith("holdall_")


def _kept_in(bindings: Bindings, known: dict[str, Binding], store: Store, idempotency: Idempotency) -> KeptAnswers:
    name = hidden_name(_PREFIX, store)
    binding = known.get(name)
    if binding is None:
        policy = Policy(read=Nobody, create=Everyone, update=Nobody, delete=Nobody)
        binding = Binding(_model(name), store, policy, name)
        bindings.add(binding)
    return KeptAnswers(bindings, binding.model, store, idempotency.seconds)


def _model(name: str) -> type[Model]:
    class KeptAnswer(Model, collection=name):
        id: str = field(pk=True, length=(1, 64))
        fingerprint: str = field(length=(1, 64))
        made: dt.datetime = field()
        status: int = 0  # until the answer is known
        headers: list[str] = field(default_factory=list)
        body: bytes = b""

    return KeptAnswer


class KeptAnswers:
    """The answers that one store keeps. Example: :class:`Idempotency`."""

    def __init__(self, bindings: Bindings, model: Any, store: Store, seconds: float) -> None:
        self.model = model
        self.store = store
        self.collection: str = model.__holdall__.collection
        self._bindings = bindings
        self._seconds = seconds
        self._number = 0

    def made(self, name: str, fingerprint: str, reply: Reply | None = None) -> Any:
        """A record of an answer, or of one that is still to be known."""
        answer = self.model(id=name, fingerprint=fingerprint, made=dt.datetime.now(dt.UTC))
        if reply is not None:
            self.fill(answer, reply)
        return answer

    @staticmethod
    def fill(answer: Any, reply: Reply) -> None:
        """Put an answer into its record."""
        answer.status, answer.body = reply.status, reply.body
        answer.headers = [part.decode("latin-1") for header in reply.headers for part in header]

    @staticmethod
    def reply_of(answer: Any) -> Reply | None:
        """The answer in a record, if it is known."""
        if not answer.status:
            return None
        parts = [part.encode("latin-1") for part in answer.headers]
        headers = list(zip(parts[::2], parts[1::2], strict=True))
        return Reply(answer.status, [*headers, (b"idempotent-replayed", b"true")], answer.body)

    async def find(self, name: str) -> Any:
        """The record of this name, or None; one that is too old is removed."""
        session = Session(self._bindings)
        answer = await session.get(self.model, name)
        if answer is not None and answer.made < self._oldest():
            session.remove(answer)
            await session.commit()
            return None
        return answer

    async def complete(self, name: str, reply: Reply) -> None:
        """Put the answer into a record that was kept with its commit; a failure is logged, as the commit is durable."""
        try:
            session = Session(self._bindings)
            answer = await session.get(self.model, name)
            if answer is not None:
                self.fill(answer, reply)
                await session.commit()
        except HoldallError:
            _log.exception("the answer to a request could not be kept for repetitions")

    async def sweep(self) -> None:
        """Remove answers that are too old, now and then."""
        self._number += 1
        if self._number % _SWEEP_EACH:
            return
        try:
            session = Session(self._bindings)
            await session.delete(self.model.where(self.model.made < self._oldest()).limit(_SWEEP_AT_MOST))
            await session.commit()
        except HoldallError:
            _log.exception("old answers could not be removed")

    def _oldest(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=self._seconds)
