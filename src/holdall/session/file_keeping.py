"""Files in a unit of work: contents are kept before what refers to them, and go after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from holdall.errors import CommitAborted, FieldError, StateError, ValidationError
from holdall.files import Body, Content, File, FileStore, Refused, Signing, keep, shown_file, take
from holdall.model import Field, Record, State, old_of, state_of
from holdall.session.bindings import Bindings
from holdall.session.file_fields import files_of, rule_of
from holdall.session.identity import IdentityMap

__all__ = ["FileKeeping"]

_log = logging.getLogger("holdall.files")

_UNTOUCHABLE = ("size", "type", "sha256", "created")
_NOT_UPLOADED = "is uploaded, not described: send its content to the path of this field, or as multipart/form-data"


class _Upload(msgspec.Struct, eq=False):
    """A content that this session has kept for a field of a record; without one, it is staged for one to come."""

    record: Record | None
    field: Field
    body: Body


class FileKeeping:
    """The files of one session: those it has kept for records that are yet to be written, and those it lets go.

    Where nobody knows how a commit ended, nothing is deleted: what nobody refers to is collected later.
    """

    def __init__(self, bindings: Bindings, records: IdentityMap) -> None:
        self._bindings = bindings
        self._records = records
        self._uploads: list[_Upload] = []
        self._replaced: list[tuple[FileStore, str]] = []
        self.inside: list[tuple[FileStore, str]] = []  # replaced in the transaction that is open

    def is_pending(self) -> bool:
        """Whether any content is still to be kept."""
        return next(self._pending(), None) is not None

    async def keep(self) -> None:
        """Keep all contents that are pending. Raises ValidationError with everything that does not fit.

        The file of another record is copied; one that a client only describes must be as it is.
        """
        while pending := list(self._pending()):
            errors, names = list[FieldError](), set[str]()
            for record, field, path, value in pending:
                refused = await self._keep(record, field, value)
                if refused is not None:
                    place = self._place(record) if len(pending) > 1 else ""
                    errors.append(FieldError(place + path, refused.code, refused.message))
                    names.add(type(record).__name__)
            if errors:
                raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)

    def replaced(self) -> list[tuple[FileStore, str]]:
        """The stores and keys of contents to which nothing refers once the changes are written."""
        found, records = list[tuple[FileStore, str]](), self._records
        for record, field in self._fields([*records.dirty.values(), *records.deleted.values()]):
            before = old_of(record).get(field.name) if state_of(record) is State.DIRTY else _stored(record, field)
            after = field.get(record) if state_of(record) is State.DIRTY else None
            if id(record) in records.moving or not (state_of(record) is State.DELETED or field.name in old_of(record)):
                continue
            store, left = self._store(field), _keys(after)
            for file in files_of(before) if not store.is_shared else ():
                facts = file.body.facts
                if facts is not None and facts.key not in left:
                    found += [(store, each) for each in rule_of(field).keys(facts)]
        return found

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Within the block a commit is made; it notes what is replaced by that, and whether its end is known."""
        self._replaced = self.replaced()
        try:
            yield
        except CommitAborted:
            self._replaced.clear()
            raise
        except BaseException:
            self.forget()
            raise

    async def settle(self) -> None:
        """Let go of what a commit, which went well, has replaced."""
        uploads, self._uploads = self._uploads, []
        for upload in uploads:
            if _waits(upload):
                self._uploads.append(upload)
            elif not _is_referred(upload):
                await self._delete(self._store(upload.field), _key_of(upload.body))
        replaced, self._replaced = self._replaced, []
        for store, key in replaced:
            await self._delete(store, key)

    async def settle_inside(self) -> None:
        """Let go of what a transaction, which went well, has replaced."""
        self._replaced, self.inside = self.inside, []
        await self.settle()

    def forget(self) -> None:
        """Leave everything where it is: nobody knows what was written."""
        self._uploads.clear()
        self._replaced.clear()
        self.inside.clear()

    async def discard(self) -> None:
        """Delete what was kept for records that were not written."""
        self._replaced.clear()
        uploads, self._uploads = self._uploads, []
        for upload in uploads:
            if not _is_referred(upload):
                await self._delete(self._store(upload.field), _key_of(upload.body))

    # --- one file -----------------------------------------------------------------------------------------------------

    async def stage(self, field: Field, file: File) -> None:
        """Keep the content of a file for a record that is yet to be given it. Raises ValidationError where it does not
        fit.
        """
        refused = await self._write(None, field, file.body, file.body.content, file.name)
        if refused is not None:
            raise ValidationError(field.model, [FieldError(field.name, refused.code, refused.message)])

    async def take(self, field: Field, file: File, store: Signing, key: str) -> None:
        """Stage a content that a client has written to the store by itself. Raises ValidationError as ``stage``."""
        try:
            file.body.facts = await take(store, rule_of(field), key, file.name)
        except Refused as refused:
            error = FieldError(field.name, refused.error.code, refused.error.message)
            raise ValidationError(field.model, [error]) from None
        file.body.store, file.body.content = store, None
        self._uploads.append(_Upload(None, field, file.body))
        await self._delete(store, key)

    async def _keep(self, record: Record, field: Field, value: File) -> FieldError | None:
        body = value.body
        if body.claims is not None:
            return _claimed(record, field, body)
        if body.facts is None:
            return await self._write(record, field, body, body.content, value.name)
        source = body.store or self._bindings.shelf.named(body.origin or "")
        copy = Body()
        refused = await self._write(
            record, field, copy, source.read(body.facts.key, 0, body.facts.size), value.name, value.meta
        )
        slot = field.get(record)
        if refused is None and slot is value:
            field.put(record, type(value).of(copy))
        elif refused is None and isinstance(slot, list):
            slot[:] = [type(value).of(copy) if each is value else each for each in slot]
        return refused

    async def _write(
        self,
        record: Record | None,
        field: Field,
        body: Body,
        content: Content | None,
        name: str,
        meta: dict[str, str] | None = None,
    ) -> FieldError | None:
        store = self._store(field)
        if content is None:
            raise StateError(f"{field.model}.{field.name} has no content: give its File one")
        try:
            body.facts = await keep(store, rule_of(field), content, name, body.meta if meta is None else meta)
        except Refused as refused:
            return refused.error
        body.store, body.content = store, None
        self._uploads.append(_Upload(record, field, body))
        return None

    async def _delete(self, store: FileStore, key: str) -> None:
        """Delete a content; where that fails, whatever its store raises, it is collected later."""
        try:
            await store.delete(key)
        except Exception as error:
            _log.warning("a file to which nothing refers is left in %r: %s", store.name, error)

    # --- which ones ---------------------------------------------------------------------------------------------------

    def _pending(self) -> Iterator[tuple[Record, Field, str, File]]:
        """The files that are to be kept, each with its record, its field and its path."""
        records = self._records
        for record, field in self._fields([*records.dirty.values(), *records.new.values()]):
            slot = field.get(record)
            for number, value in enumerate(files_of(slot)):
                if value.body.facts is None or (
                    self._is_foreign(record, field, value) and not self._is_own(record, field, value.body)
                ):
                    yield record, field, f"{field.name}.{number}" if isinstance(slot, list) else field.name, value

    def _is_own(self, record: Record, field: Field, body: Body) -> bool:
        """Whether this session has kept the content for the record; what was staged is from now on."""
        for upload in self._uploads:
            if upload.body is body and upload.field is field and (upload.record is None or upload.record is record):
                upload.record = record
                return True
        return False

    def _is_foreign(self, record: Record, field: Field, value: File) -> bool:
        """Whether a stored file is that of another record or field."""
        if state_of(record) is State.NEW:
            return id(record) not in self._records.moving
        old = old_of(record)
        return field.name in old and not _keys(value) <= _keys(old[field.name])

    def _fields(self, records: list[Record]) -> Iterator[tuple[Record, Field]]:
        by_model = self._bindings.file_fields
        for record in records:
            for field in by_model.get(type(record), ()):
                yield record, field

    def _store(self, field: Field) -> FileStore:
        return self._bindings.shelf.named(rule_of(field).store)

    def _place(self, record: Record) -> str:
        changed = [*self._records.new.values(), *self._records.dirty.values()]
        if len(changed) == 1:
            return ""
        number = next(number for number, each in enumerate(changed) if each is record)
        return f"{self._bindings.of_model(type(record)).collection}[{number}]."


def _stored(record: Record, field: Field) -> object:
    old = old_of(record)
    return old[field.name] if field.name in old else field.get(record)


def _keys(value: object) -> set[str]:
    """The keys of the stored contents in a slot."""
    return {file.body.facts.key for file in files_of(value) if file.body.facts is not None}


def _key_of(body: Body) -> str:
    assert body.facts is not None
    return body.facts.key


def _waits(upload: _Upload) -> bool:
    """Whether the record is still to be written with this file."""
    record, field = upload.record, upload.field
    if record is None:
        return False
    state = state_of(record)
    value = field.get(record)
    has_it = any(file.body is upload.body for file in files_of(value))
    return has_it and (state is State.NEW or (state is State.DIRTY and field.name in old_of(record)))


def _is_referred(upload: _Upload) -> bool:
    """Whether the record is stored with this file."""
    record, field = upload.record, upload.field
    if record is None or state_of(record) not in (State.CLEAN, State.DIRTY, State.DELETED):
        return False
    return _key_of(upload.body) in _keys(_stored(record, field))


def _is_meant(body: Body, file: File, slot: object) -> bool:
    """Whether a stored file is the one that a client describes; in a list by what it has, which must be told."""
    claims = body.claims or {}
    if file.body.facts is None or (isinstance(slot, list) and not {"sha256", "created"} <= claims.keys()):
        return False
    shown = shown_file(file)
    return all(name not in claims or claims[name] == shown[name] for name in _UNTOUCHABLE)


def _claimed(record: Record, field: Field, body: Body) -> FieldError | None:
    """Make a file that a client describes the one that is there, under another name if there is another one."""
    slot = old_of(record).get(field.name) if state_of(record) is State.DIRTY else None
    claims, before = body.claims or {}, next((each for each in files_of(slot) if _is_meant(body, each, slot)), None)
    if before is None or before.body.facts is None:
        return FieldError("", "upload", _NOT_UPLOADED)
    name = body.name if "name" in claims else before.name
    meta = body.meta if "meta" in claims else before.meta
    body.facts = msgspec.structs.replace(before.body.facts, name=name, meta=meta)
    body.claims, body.store = None, before.body.store
    return None
