"""A file of records into a collection: in batches, each line created, or given to the record of its key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from holdall.app.transfer.files import form_of, parts_of
from holdall.app.transfer.report import ImportReport, ImportTally
from holdall.errors import (
    CommitAborted,
    CommitError,
    FieldError,
    Forbidden,
    HoldallError,
    LimitExceeded,
    StateError,
    ValidationError,
)
from holdall.model import CsvInput, JsonInput, LongLine, Model, assign, lines_in
from holdall.policy import Right, User
from holdall.query import Json, Key, Value
from holdall.session import Binding, Bindings, Session, read_only_fields

__all__ = ["Importing"]

_MOST = 64 * 1024 * 1024  # bytes of a line
_Members = dict[str, Json] | FieldError
_Found = tuple[Key, Model | None] | HoldallError | None  # the key of a line and its record, or what was in the way
_Line = tuple[int, _Members]  # its number, and the members of a record or what is wrong


class Importing:
    """One import; see ``Holdall.import_records``. Example: ``docs/import-export.md``."""

    def __init__(
        self,
        bindings: Bindings,
        binding: Binding,
        user: User,
        *,
        upsert: bool,
        skip: Collection[str],
        is_dry_run: bool,
        batch: int,
        keeps_formulas: bool,
        progress: Callable[[ImportReport], object] | None,
    ) -> None:
        if binding.is_keyless or binding.is_read_only:
            raise StateError(f"{binding.collection} takes no import: its records are not written by key")
        if type(batch) is not int or batch < 1:
            raise StateError("batch is a number of lines above zero")
        self._bindings = bindings
        self._binding = binding
        self._user = user
        self._upsert = upsert
        self._skip = frozenset(skip)
        self._is_dry_run = is_dry_run
        self._batch = batch
        self._keeps_formulas = keeps_formulas
        self._progress = progress
        self._tally = ImportTally()
        stored = binding.declaration.stored
        self._kept = {field.name for field in stored if field.options.pk or field.options.is_given_elsewhere}
        self._new, self._old = self._input(is_new=True), self._input(is_new=False)

    async def run(self, path: Path, form: str | None) -> ImportReport:
        """Take in all lines of a file. Raises LimitExceeded for a line that is too long, OSError."""
        is_csv = form_of(path, form) == "csv"
        read = None if is_csv else self._of_json
        lines, tally = list[_Line](), self._tally
        try:
            async for number, line in lines_in(parts_of(path), _MOST, is_quoted=is_csv):
                if read is None:
                    accepted = set(self._new.names)
                    schema, formulas = self._binding.schema, self._keeps_formulas
                    read = CsvInput(schema, accepted, line, self._skip, keeps_formulas=formulas).members
                    continue
                tally.lines += 1
                lines.append((number, read(line)))
                if len(lines) == self._batch:
                    await self._take(lines)
                    lines = []
        except LongLine:
            raise LimitExceeded("bytes in a line", _MOST, "see where its end is missing") from None
        await self._take(lines)
        return self._report()

    async def _take(self, lines: Sequence[_Line]) -> None:
        """Store lines in one commit, or each by itself where something stands in the way of some."""
        good: list[_Line] = []
        session, counts = Session(self._bindings, self._user), ImportTally()
        for (number, members), found in zip(lines, await self._found(session, lines), strict=True):
            try:
                self._put(session, members, found, counts)
            except HoldallError as error:
                self._tally.refuse(number, _errors(error))
            else:
                good.append((number, members))
        try:
            await self._end(session)
        except HoldallError as error:
            _demand_unwritten(error)
            if isinstance(error, Forbidden) and self._is_never_allowed(counts):
                raise
            for line in good:
                await self._take_one(line)
        else:
            self._count(counts)
        if self._progress is not None:
            self._progress(self._report())

    def _is_never_allowed(self, counts: ImportTally) -> bool:
        """Whether the user has no right to what such lines do, whatever the record."""
        wanted = [(counts.created, Right.CREATE), (counts.changed, Right.UPDATE)]
        return any(number and not self._binding.policy.allows(right, self._user) for number, right in wanted)

    async def _take_one(self, line: _Line) -> None:
        number, members = line
        session, counts = Session(self._bindings, self._user), ImportTally()
        (found,) = await self._found(session, [line])
        try:
            self._put(session, members, found, counts)
            await self._end(session)
        except HoldallError as error:
            _demand_unwritten(error)
            self._tally.refuse(number, _errors(error))
        else:
            self._count(counts)

    async def _found(self, session: Session, lines: Sequence[_Line]) -> list[_Found]:
        """The records that lines change, asked for together; none where every line is to be a new one."""

        async def one(members: _Members) -> _Found:
            if not self._upsert or isinstance(members, FieldError):
                return None
            try:
                key = _key_of(self._binding, members)
                record = await session.get(self._binding.model, *(key if isinstance(key, tuple) else (key,)))
            except HoldallError as error:
                return error
            return key, record

        return await asyncio.gather(*(one(members) for _, members in lines))

    def _put(self, session: Session, members: _Members, found: _Found, counts: ImportTally) -> None:
        """Add the record of a line, or give its values to the one that is there."""
        name, model = self._binding.model.__name__, self._binding.model
        if isinstance(members, FieldError):
            raise ValidationError(name, [members])
        if isinstance(found, HoldallError):
            raise found
        known, there = session.context.records.of(model), None
        if found is not None:
            key, there = found
            there = known.get(key) if there is None else there  # an earlier line may have added it
        if there is None:
            made: Model = self._new.create_from(members)
            if not self._upsert and made.__key__() is not None and made.__key__() in known:
                raise ValidationError(name, [FieldError("", "exists", "is the key of an earlier line")])
            session.add(made)
            counts.created += 1
        else:
            counts.changed += self._changed(there, members)
        counts.lines += 1

    def _changed(self, record: Model, members: dict[str, Json]) -> bool:
        """Give a record the values that are not those it has; whether there were any."""
        declaration = self._binding.declaration
        given = self._old.values_from({name: value for name, value in members.items() if name not in self._kept})
        changes: dict[str, Value] = {}
        for name, value in given.items():
            field = declaration.by_name[name]
            if field.encode(value) != field.encode(field.get(record)):
                changes[name] = value
        if changes:
            assign(record, changes)
        return bool(changes)

    def _input(self, *, is_new: bool) -> JsonInput:
        """The way from members to records, of what the user may give; the program itself gives all."""
        declaration = self._binding.declaration
        if self._user.unrestricted:
            return declaration.stored_input if is_new else declaration.json_input
        refused = read_only_fields(self._binding, self._user, is_new=is_new)
        return declaration.json_input.without(self._binding.policy.hidden(self._user), refused)

    async def _end(self, session: Session) -> None:
        if self._is_dry_run:
            try:
                session.plan()
            finally:
                session.rollback()
        else:
            await session.commit()

    def _count(self, counts: ImportTally) -> None:
        self._tally.created += counts.created
        self._tally.changed += counts.changed
        self._tally.unchanged += counts.lines - counts.created - counts.changed

    def _of_json(self, line: bytes) -> _Members:
        try:
            found = msgspec.json.decode(line, type=dict[str, Value])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return FieldError("", "json", "is not a JSON object")
        return {name: value for name, value in found.items() if name not in self._skip}

    def _report(self) -> ImportReport:
        return self._tally.report(self._binding.collection, is_dry_run=self._is_dry_run)


def _key_of(binding: Binding, members: dict[str, Json]) -> Value:
    """The key that a line names. Raises ValidationError where it names none."""
    names = [field.name for field in binding.declaration.key]
    missing = [FieldError(name, "required", "is required, as records are found by it") for name in names]
    missing = [error for error in missing if members.get(error.path) is None]
    if missing:
        raise ValidationError(binding.model.__name__, missing)
    found = binding.declaration.stored_input.values_from({name: members[name] for name in names})
    return found[names[0]] if len(names) == 1 else tuple([found[name] for name in names])


def _demand_unwritten(error: HoldallError) -> None:
    """Raise the error of a commit of which nobody knows whether it was written: no line of it may be tried again."""
    if isinstance(error, CommitError) and not isinstance(error, CommitAborted):
        raise error


def _errors(error: HoldallError) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    cause = error.__cause__ if isinstance(error, CommitAborted) and error.__cause__ is not None else error
    return [FieldError("", "refused", str(cause) if isinstance(cause, HoldallError) else type(cause).__name__)]
