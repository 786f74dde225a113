"""``/books/_check``: a write is looked at as if it were made, and nothing of it stays."""

from __future__ import annotations

from holdall.errors import ValidationError
from holdall.policy import Right, User
from holdall.session import Bindings, Session
from holdall.web.asgi import Receive, Scope
from holdall.web.body import JSON, MERGE_PATCH
from holdall.web.bulk import Bulk
from holdall.web.intake import Intake
from holdall.web.rehearsal import rehearse
from holdall.web.reply import Reply
from holdall.web.view import CollectionView
from holdall.web.writing import malformed

__all__ = ["Checks"]


class Checks:
    """Answers what is asked of ``_check``. Example: ``POST /books/_check``."""

    def __init__(self, intake: Intake, view: CollectionView, bulk: Bulk, bindings: Bindings) -> None:
        self._intake = intake
        self._view = view
        self._bulk = bulk
        self._bindings = bindings

    async def create_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``POST /books/_check``: 204 where the record, or every one of a list, could be made now; else the problem."""
        self._intake.begin(scope, Right.CREATE, user)
        body = await self._intake.body(scope, receive, JSON)
        if body.lstrip()[:1] == b"[":
            await self._bulk.check(scope, user, body)
            return Reply(204, [])
        session = Session(self._bindings, user)
        try:
            self._view.create(session, body)
        except ValidationError as error:
            raise malformed(error) or error from None
        await rehearse(session)
        return Reply(204, [])

    async def update_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``PATCH /books/_check``: 204 where the values keep the rules of their fields, in whatever record."""
        self._intake.begin(scope, Right.UPDATE, user)
        body = await self._intake.body(scope, receive, MERGE_PATCH, JSON)
        try:
            self._view.input_of(user, is_new=False).values(body)
        except ValidationError as error:
            raise malformed(error) or error from None
        return Reply(204, [])
