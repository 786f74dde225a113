"""One run of a request that is a job: a bulk write or an import, answered by the service behind the client's back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

import msgspec

from holdall.app.long_actions.action_notes import ActionNotes
from holdall.app.long_actions.kept_user import user_of
from holdall.app.long_actions.work_on_action import MOST_BYTES, Part, WorkOnAction
from holdall.errors import AlreadyExists, CommitAborted
from holdall.query import Json, Value
from holdall.session import Bindings, CommitResult, Guarantee, Session

__all__ = ["Answer", "Answering", "NotingSession", "WorkOnRequest"]


class Answer(NamedTuple):
    """The answer to a request: its status, its body as JSON, and why it was refused, if it was."""

    status: int
    body: Json
    reason: str


Answering: TypeAlias = Callable[[Value, "NotingSession"], Awaitable[Answer]]
"""Answers the request of a note, in a session."""


class NotingSession(Session):
    """The session of such a request: its commit notes the end of the job."""

    end: Callable[[], Value] | None = None
    is_done_elsewhere = False
    is_committed = False

    async def commit(self, *, require: Guarantee | str | None = None, **options: Value) -> CommitResult:
        """Write all changes, with the note."""
        if self.end is not None and not self.is_committed:
            self.add(self.end())
        try:
            result = await super().commit(require=require, **options)
        except CommitAborted as error:
            cause = error.__cause__
            if isinstance(cause, AlreadyExists) and cause.collection == "holdall_action_parts":
                self.is_done_elsewhere = True
            raise
        self.is_committed = True
        return result


class WorkOnRequest(WorkOnAction):
    """Works on one job for one run.

    A request of one commit is done once, however often it is begun; one of many commits is not begun again.
    """

    answering: Answering | None = None

    @classmethod
    def on(cls, bindings: Bindings, notes: ActionNotes, note: Value, run: str, answering: Answering) -> WorkOnRequest:
        """The work on a note."""
        nothing: Value = None
        return cls(bindings, notes, nothing, nothing, note, run, nothing, answering)

    async def _run_parts(self) -> tuple[str, str]:
        part = Part(0, f"{self.note.id}-00000", ())
        if part.id in await self._done():
            return "done", ""
        is_one_commit = bool(self.note.keys)
        if not is_one_commit and not await self._begin(part):
            return "failed", "it was interrupted, and is not repeated: look at what is stored"
        session = NotingSession(self.bindings, user_of(self.note.user))
        if is_one_commit:
            session.end = lambda: self.notes.part(id=part.id, job=self.note.id)
        assert self.answering is not None
        answer = await self.answering(self.note, session)
        if session.is_done_elsewhere:
            return "done", ""
        body, reason = answer.body, answer.reason
        if len(msgspec.json.encode(body)) > MOST_BYTES:
            body, reason = None, reason or f"the answer has more than {MOST_BYTES} bytes, and is not kept"
        await self._tell(part, {"status": answer.status, "body": body})
        return ("failed" if answer.reason else "done"), reason

    async def _tell(self, part: Part, told: Json) -> None:
        """Note the answer, beside the end where a commit has noted that."""
        async with Session(self.bindings) as session:
            end = await session.get(self.notes.part, part.id)
            if end is None:
                end = session.add(self.notes.part(id=part.id, job=self.note.id))
            end.results = [{"result": told}]
            await session.commit()
