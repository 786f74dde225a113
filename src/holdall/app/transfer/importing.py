"""A file of records into a collection: in batches, each line created, or given to the record of its key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from holdall.app.transfer.files import form_of, parts_of
from holdall.app.transfer.finding import Found, demand_own_key, encoded, names_found_by, record_of, values_of
from holdall.app.transfer.line_batches import Line, store_lines
from holdall.app.transfer.report import ImportReport, ImportTally
from holdall.app.transfer.yaml_documents import documents_in, members_of
from holdall.errors import CommitAborted, FieldError, HoldallError, LimitExceeded, StateError, ValidationError
from holdall.files import File, shown_file
from holdall.model import CsvInput, JsonInput, LongLine, Model, assign, has_repeated_names, lines_in
from holdall.policy import Right, User
from holdall.query import Json, Value
from holdall.session import Binding, Bindings, Session, read_only_fields

__all__ = ["Importing"]

_NO_FILE = "is a file, whose content no line has: name it in skip=, and give the record its file afterwards"
_MOST = 64 * 1024 * 1024  # bytes of a line
_Members = dict[str, Json] | FieldError
_Found = tuple[Found, Model | None] | HoldallError | None  # the values it is found by and the record, or why not


class Importing:
    """One import; see ``Holdall.import_records``. Example: ``docs/import-export.md``."""

    def __init__(
        self,
        bindings: Bindings,
        binding: Binding,
        user: User,
        *,
        upsert: bool,
        by: Collection[str],
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
        self._by = names_found_by(binding, upsert, by)
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
        chosen, parts = form_of(path, form), parts_of(path)
        read = {"csv": None, "ndjson": self._of_json, "yaml": self._of_yaml}[chosen]
        given = documents_in(parts, _MOST) if chosen == "yaml" else lines_in(parts, _MOST, is_quoted=chosen == "csv")
        lines, tally = list[Line](), self._tally
        try:
            async for number, line in given:
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

    async def _take(self, lines: Sequence[Line]) -> None:
        """Store lines in one commit, or each by itself where something stands in the way of some."""
        await store_lines(lambda: _Attempt(self), lines, self._refuse, (HoldallError,))
        if self._progress is not None:
            self._progress(self._report())

    def _refuse(self, number: int, error: Exception) -> None:
        self._tally.refuse(number, _errors(error))

    def demand_rights(self, counts: ImportTally) -> None:
        """Raise Forbidden, which ends the import, where the user may do what lines do with no record at all."""
        for number, right in ((counts.created, Right.CREATE), (counts.changed, Right.UPDATE)):
            if number:
                self._binding.policy.demand(right, self._user, self._binding.collection)

    async def found(self, session: Session, lines: Sequence[Line]) -> list[_Found]:
        """The records that lines change, asked for together; none where every line is to be a new one."""

        async def one(members: _Members) -> _Found:
            if not self._upsert or isinstance(members, FieldError):
                return None
            try:
                values = values_of(self._binding, self._by, members)
                return encoded(self._binding, values), await record_of(session, self._binding, values)
            except HoldallError as error:
                return error

        return await asyncio.gather(*(one(members) for _, members in lines))

    def put(
        self, session: Session, members: _Members, found: _Found, counts: ImportTally, added: dict[Found, Model]
    ) -> None:
        """Add the record of a line, or give its values to the one that is there, or that an earlier line ``added``."""
        name, model = self._binding.model.__name__, self._binding.model
        if isinstance(members, FieldError):
            raise ValidationError(name, [members])
        if isinstance(found, HoldallError):
            raise found
        known, there = session.context.records.of(model), None
        if found is not None:
            there = added.get(found[0]) if found[1] is None else found[1]
        if there is None:
            made: Model = self._new.create_from(members)
            files = [field.name for field in self._binding.declaration.stored if isinstance(field.get(made), File)]
            if files:
                raise ValidationError(name, [FieldError(each, "upload", _NO_FILE) for each in files])
            if not self._upsert and made.__key__() is not None and made.__key__() in known:
                raise ValidationError(name, [FieldError("", "exists", "is the key of an earlier line")])
            session.add(made)
            if found is not None:
                added[found[0]] = made
            counts.created += 1
        else:
            counts.changed += self._changed(there, members)
        counts.lines += 1

    def _changed(self, record: Model, members: dict[str, Json]) -> bool:
        """Give a record the values that are not those it has; whether there were any."""
        declaration = self._binding.declaration
        demand_own_key(self._binding, record, members)
        left = {name for name, value in members.items() if name in self._kept or _is_same_file(record, name, value)}
        given = self._old.values_from({name: value for name, value in members.items() if name not in left})
        changes: dict[str, Value] = {}
        for name, value in given.items():
            field = declaration.by_name[name]
            if field.encode(value) != field.encode(field.get(record)):
                changes[name] = value
        if changes:
            assign(record, changes)
        return bool(changes)

    @property
    def session(self) -> Session:
        """A session for the lines of a batch, or for one of them."""
        return Session(self._bindings, self._user)

    def _input(self, *, is_new: bool) -> JsonInput:
        """The way from members to records, of what the user may give; the program itself gives all."""
        declaration = self._binding.declaration
        if self._user.unrestricted:
            return declaration.stored_input if is_new else declaration.json_input
        refused = read_only_fields(self._binding, self._user, is_new=is_new)
        return declaration.json_input.without(self._binding.policy.hidden(self._user), refused)

    async def end(self, session: Session) -> None:
        """Commit, or only look at what rules say."""
        if self._is_dry_run:
            try:
                session.plan()
            finally:
                session.rollback()
        else:
            await session.commit()

    def count(self, counts: ImportTally) -> None:
        """Take lines as stored."""
        self._tally.created += counts.created
        self._tally.changed += counts.changed
        self._tally.unchanged += counts.lines - counts.created - counts.changed

    def _of_yaml(self, document: bytes) -> _Members:
        return self._kept_of(members_of(document))

    def _of_json(self, line: bytes) -> _Members:
        if has_repeated_names(line):
            return FieldError("", "json", "gives a name twice in one object")
        try:
            found = msgspec.json.decode(line, type=dict[str, Value])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return FieldError("", "json", "is not a JSON object")
        return self._kept_of(found)

    def _kept_of(self, members: _Members) -> _Members:
        if isinstance(members, FieldError):
            return members
        return {name: value for name, value in members.items() if name not in self._skip}

    def _report(self) -> ImportReport:
        return self._tally.report(self._binding.collection, is_dry_run=self._is_dry_run)


def _is_same_file(record: Model, name: str, value: Json) -> bool:
    """Whether a member describes the file that a record has, as exports do."""
    field = type(record).__holdall__.by_name.get(name)
    file = None if field is None else field.get(record)
    return isinstance(file, File) and value == msgspec.to_builtins(shown_file(file))


class _Attempt:
    """One session of an import."""

    def __init__(self, importing: Importing) -> None:
        self._importing, self._session, self._counts = importing, importing.session, ImportTally()
        self._added: dict[Found, Model] = {}

    async def put(self, lines: Sequence[Line]) -> list[Exception | None]:
        """Add the record of each line, or change it."""
        errors = list[Exception | None]()
        for (_, members), found in zip(lines, await self._importing.found(self._session, lines), strict=True):
            try:
                self._importing.put(self._session, members, found, self._counts, self._added)
            except HoldallError as error:
                errors.append(error.with_traceback(None))  # which holds this list
            else:
                errors.append(None)
        self._importing.demand_rights(self._counts)
        return errors

    async def end(self) -> None:
        """Commit them."""
        await self._importing.end(self._session)

    def accept(self) -> None:
        """Count them."""
        self._importing.count(self._counts)


def _errors(error: Exception) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    cause = error.__cause__ if isinstance(error, CommitAborted) and error.__cause__ is not None else error
    return [FieldError("", "refused", str(cause) if isinstance(cause, HoldallError) else type(cause).__name__)]
