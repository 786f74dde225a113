"""Contents that clients send to, and get from, an object store by themselves, at URLs that are signed for a while."""

from __future__ import annotations

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.files import File, Signing, new_key
from holdall.model import Field
from holdall.policy import User
from holdall.query import Key
from holdall.session import Session
from holdall.session.file_fields import rule_of
from holdall.web.asgi import Receive, Scope
from holdall.web.attachments.tickets import Tickets
from holdall.web.body import read_body
from holdall.web.reply import Reply, json_reply

__all__ = ["TICKET", "Direct"]

TICKET = b"application/vnd.holdall.upload"
"""The media type of a ticket, which stands in the place of a content that was sent to the object store."""

_SECONDS = 600.0
_LONGEST = 4_096  # bytes of a ticket


class Direct:
    """Signs URLs for one field.

    Example: ``docs/attachments.md``.
    """

    def __init__(self, field: Field, store: Signing, secret: bytes) -> None:
        self._field = field
        self._store = store
        self._tickets = Tickets(secret)

    async def upload(self, user: User, record: Key) -> Reply:
        """Return where a client may put a content, and the ticket with which it is made the record's file."""
        key = new_key()
        url = await self._store.upload_url(key, _SECONDS)
        ticket = self._tickets.make(self._place, record, str(user.id), key, _SECONDS)
        told = {"method": "PUT", "url": url, "ticket": ticket, "seconds": _SECONDS}
        return json_reply(200, msgspec.json.encode(told))

    async def download(self, file: File) -> Reply:
        """Redirect a client to where the content is for a while."""
        url = await self._store.download_url(file.key, _SECONDS)
        return Reply(307, [(b"location", url.encode()), (b"cache-control", b"no-store"), (b"content-length", b"0")])

    async def taken(self, scope: Scope, receive: Receive, session: Session, record: Key, name: str) -> File:
        """The file that a ticket stands for, looked at and copied to where no URL leads. Raises ValidationError for a
        ticket that does not hold, or a content that is not there or does not fit.
        """
        text = (await read_body(scope, receive, _LONGEST, 30.0)).decode("ascii", "replace")
        key = self._tickets.open(text.strip(), self._place, record, str(session.user.id))
        if key is None:
            breach = FieldError(self._field.name, "ticket", "must be a ticket for this file that still holds")
            raise ValidationError(self._field.model, [breach])
        file = rule_of(self._field).type(b"", name=name)
        assert session.context.files is not None
        await session.context.files.take(self._field, file, self._store, key)
        return file

    @property
    def _place(self) -> str:
        return f"{self._field.model}.{self._field.name}"
