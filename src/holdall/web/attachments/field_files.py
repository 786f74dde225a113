"""The file in one field of the records of a collection: ``GET``, ``HEAD``, ``PUT`` and ``DELETE /books/7/cover``."""

from __future__ import annotations

from copy import copy

import msgspec

from holdall.errors import CommitAborted, StaleVersion, Unsupported
from holdall.files import File, FileCodec, FileStore, Signing, shown_file
from holdall.model import Field, Record
from holdall.policy import Right, User
from holdall.query import Key, Value
from holdall.session import Session, read_only_fields
from holdall.session.file_fields import files_of, holds_several
from holdall.web.asgi import Header, Receive, Scope, header_list
from holdall.web.attachments.direct import TICKET, Direct
from holdall.web.attachments.disposition import name_of
from holdall.web.attachments.file_reply import NO_FILE, file_reply, tag_of
from holdall.web.attachments.incoming import demand_size, incoming
from holdall.web.attachments.thumbnail_reply import thumbnail_of, thumbnail_reply
from holdall.web.body import media_type
from holdall.web.conditional import NOT_MET, meets_if_match, meets_if_none_match
from holdall.web.intake import UNGUARDED, Intake
from holdall.web.preferences import preferences_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView

__all__ = ["FieldFiles"]

_MOST_TRIES = 20


class FieldFiles:
    """Answers for one field.

    Example: ``docs/attachments.md``.
    """

    def __init__(self, field: Field, view: CollectionView, intake: Intake, store: FileStore) -> None:
        assert isinstance(field.options.codec, FileCodec)
        self._field = field
        self._rule = field.options.codec
        self._view = view
        self._intake = intake
        self._binding = view.binding
        self.is_several = holds_several(field)
        self._number: int | None = None  # of one in a list
        self._direct: Direct | None = None
        if isinstance(store, Signing) and not self.is_several:
            self._direct = Direct(field, store, intake.options.secret)

    def at(self, number: int) -> FieldFiles:
        """The same for one file of a list, counted from 0."""
        made = copy(self)
        made._number = number
        return made

    async def get_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``GET /books/7/cover``: the content, a range of it, or a thumbnail; 304 where the client has it."""
        _, record = await self._begun(scope, user, key)
        file = self._file(record)
        if file is not None and self._direct is not None and self._is_direct(scope):
            return await self._direct.download(file)
        wanted = thumbnail_of(scope, self._rule.thumbnails) if self._has_thumbnails(scope) else None
        return await (file_reply(scope, file) if wanted is None else thumbnail_reply(scope, file, self._rule, wanted))

    async def put_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``PUT /books/7/cover``: the body is the content; 201 where there was none, else 200.

        ``POST`` to a list of files adds one at its end, ``PUT`` to one of them puts another in its place.

        Raises Problem (415) for a form.
        """
        session, record = await self._begun(scope, user, key)
        if media_type(scope) == b"multipart/form-data":
            raise Problem(415, "media-type", "The body is the file itself; a form is sent to the record.")
        is_ticket = self._direct is not None and media_type(scope) == TICKET
        demand_size(scope, self._rule.max_size)
        preferences = preferences_of(scope, b"return")
        is_guarded = self._judge(scope, session, record)
        was_there = self._file(record) is not None
        if self._number is not None and not was_there:
            raise NO_FILE
        seconds = self._intake.options.body_seconds
        if is_ticket and self._direct is not None:
            file = await self._direct.taken(scope, receive, session, key, name_of(scope))
        else:
            file = self._rule.type(incoming(receive, self._rule.max_size, seconds), name=name_of(scope))
        await self._committed(session, record, file, is_guarded=is_guarded)
        tag: list[Header] = [(b"etag", tag_of(file)), *preferences.headers]
        if preferences.is_minimal:
            return Reply(204, tag) if was_there else Reply(201, [(b"content-length", b"0"), *tag])
        return json_reply(200 if was_there else 201, msgspec.json.encode(shown_file(file)), *tag)

    async def delete_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``DELETE /books/7/cover``: the field is empty then, and the content goes."""
        session, record = await self._begun(scope, user, key)
        if self._file(record) is None:
            raise NO_FILE
        await self._committed(session, record, None, is_guarded=self._judge(scope, session, record))
        return Reply(204, [])

    async def post_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``POST /books/7/cover?direct``: where the client may put a content by itself.

        Raises Problem (400) where the store takes nothing directly.
        """
        await self._begun(scope, user, key)
        if self._direct is None or not self._is_direct(scope):
            raise Problem(400, "direct", "Ask for the URL of an upload with ?direct, or put the content here.")
        return await self._direct.upload(user, key)

    @property
    def is_numbered(self) -> bool:
        """Whether it answers for one file of a list."""
        return self._number is not None

    @property
    def is_direct(self) -> bool:
        """Whether clients may send and get contents by themselves."""
        return self._direct is not None

    # --- parts --------------------------------------------------------------------------------------------------------

    async def _begun(self, scope: Scope, user: User, key: Key) -> tuple[Session, Record]:
        """The session of a request and the record; raises Problem (404) for what is not there, or is not to be seen."""
        challenge = self._intake.options.challenge
        demand_right(self._binding, Right.READ, user, challenge)
        if scope["method"] in ("PUT", "DELETE", "POST"):
            demand_right(self._binding, Right.UPDATE, user, challenge)
            self._demand_writable(user)
        if self._field.name in self._view.hidden(user):
            raise NO_FILE
        if self._has_thumbnails(scope):
            thumbnail_of(scope, self._rule.thumbnails)
        elif not self._is_direct(scope):
            self._intake.demand_no_parameters(scope)
        session = self._intake.session(scope, user)
        return session, await self._view.get_one(session, key)

    def _has_thumbnails(self, scope: Scope) -> bool:
        is_asked = scope["query_string"] and not self._is_direct(scope)
        return bool(is_asked and self._rule.thumbnails.names) and scope["method"] in ("GET", "HEAD")

    def _is_direct(self, scope: Scope) -> bool:
        is_asked = self._direct is not None and scope["query_string"] in (b"direct", b"direct=")
        return is_asked and scope["method"] in ("GET", "POST")

    def _demand_writable(self, user: User) -> None:
        refused = read_only_fields(self._binding, user, is_new=False).get(self._field.name)
        if refused is not None:
            is_hidden = refused.code == "unknown" or self._field.name in self._view.hidden(user)
            raise NO_FILE if is_hidden else Problem(403, "forbidden", "You may not do this.")

    def _file(self, record: Record) -> File | None:
        found = getattr(record, self._field.name)
        if self.is_several:
            files = files_of(found) if self._number is not None else []
            return files[self._number] if self._number is not None and self._number < len(files) else None
        return found if isinstance(found, File) else None

    def _value(self, record: Record, file: File | None, former: File | None) -> Value:
        """The value of the field with the file: of a list, in the place of the former one or at the end.

        Raises Problem where the former one has gone from the list meanwhile.
        """
        if not self.is_several:
            return file
        files, put = files_of(getattr(record, self._field.name)), [] if file is None else [file]
        if former is None:
            return [*files, *put]
        place = next((place for place, each in enumerate(files) if each == former), None)
        if place is None:
            raise NO_FILE
        return [*files[:place], *put, *files[place + 1 :]]

    def _judge(self, scope: Scope, session: Session, record: Record) -> bool:
        """Raise Problem unless the file is as the request expects; return whether the commit sees to that, too."""
        if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
        file = self._file(record)
        if if_none_match is None:
            self._intake.demand_match(if_match)
        tag = b"" if file is None else tag_of(file)
        if if_match is not None and (file is None or not meets_if_match(if_match, tag)):
            raise NOT_MET
        if if_none_match is not None and file is not None and not meets_if_none_match(if_none_match, tag):
            raise NOT_MET
        if if_match is None and if_none_match is None:
            return False
        try:
            session.expect(record, self._field.name)
        except Unsupported:
            raise UNGUARDED from None
        return True

    async def _committed(self, session: Session, record: Record, file: File | None, *, is_guarded: bool) -> None:
        """Give the record the file and commit, again where somebody else has changed another field meanwhile."""
        former = self._file(record)
        try:
            for number in range(_MOST_TRIES):
                self._view.update(record, {self._field.name: self._value(record, file, former)})
                try:
                    await session.commit()
                    return
                except CommitAborted as error:
                    is_passing = isinstance(error.__cause__, StaleVersion) and not is_guarded
                    if not is_passing or number == _MOST_TRIES - 1:
                        raise
                await session.refresh(record)
        finally:
            if session.context.files is not None:
                await session.context.files.discard()
