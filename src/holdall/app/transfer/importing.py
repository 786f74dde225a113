"""A file of records into a collection: in batches, each line created, or given to the record of its key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path

from holdall.app.transfer.files import form_of, parts_of
from holdall.app.transfer.finding import Found
from holdall.app.transfer.line_batches import Line, store_lines
from holdall.app.transfer.line_reading import Read, json_reader, yaml_reader
from holdall.app.transfer.line_records import LineRecords
from holdall.app.transfer.report import ImportReport, ImportTally
from holdall.app.transfer.yaml_documents import documents_in
from holdall.errors import CommitAborted, FieldError, HoldallError, LimitExceeded, StateError, ValidationError
from holdall.model import CsvInput, Lines, LongLine, Model, lines_in
from holdall.policy import User
from holdall.session import Binding, Bindings, Session

__all__ = ["Importing"]

_MOST = 64 * 1024 * 1024  # bytes of a line


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
        self._skip = frozenset(skip)
        self._is_dry_run = is_dry_run
        self._batch = batch
        self._keeps_formulas = keeps_formulas
        self._progress = progress
        self._tally = ImportTally()
        self.records = LineRecords(binding, user, upsert=upsert, by=by)

    async def run(self, path: Path, form: str | None) -> ImportReport:
        """Take in all lines of a file. Raises LimitExceeded for a line that is too long, OSError."""
        chosen, parts = form_of(path, form), parts_of(path)
        is_csv = chosen == "csv"
        given = _alone(documents_in(parts, _MOST)) if chosen == "yaml" else lines_in(parts, _MOST, is_quoted=is_csv)
        read: Read | None = None if is_csv else {"ndjson": json_reader, "yaml": yaml_reader}[chosen](self._skip)
        lines: Lines = []
        try:
            async for found in given:
                if read is None:
                    read, found = self._below(found[0][1]), found[1:]
                lines += found
                while len(lines) >= self._batch:
                    await self._take(read, lines[: self._batch])
                    lines = lines[self._batch :]
        except LongLine:
            raise LimitExceeded("bytes in a line", _MOST, "see where its end is missing") from None
        await self._take(read, lines)
        return self._report()

    def _below(self, header: bytes) -> Read:
        """The reader of rows of CSV below their header. Raises ValidationError for columns that cannot be taken."""
        schema, names = self._binding.schema, set(self.records.names)
        rows = CsvInput(schema, names, header, self._skip, keeps_formulas=self._keeps_formulas)
        self.records.columns = rows.names
        return rows.rows_of_all

    async def _take(self, read: Read | None, lines: Lines) -> None:
        """Store lines in one commit, or each by itself where something stands in the way of some."""
        self._tally.lines += len(lines)
        given = [] if read is None else read([line for _, line in lines])
        numbered = list(zip([number for number, _ in lines], given, strict=True))
        await store_lines(lambda: _Attempt(self), numbered, self._refuse, (HoldallError,))
        if self._progress is not None:
            self._progress(self._report())

    def _refuse(self, number: int, error: Exception) -> None:
        self._tally.refuse(number, _errors(error))

    @property
    def session(self) -> Session:
        """A session for the lines of a batch, or for one of them."""
        return Session(self._bindings, self._user)

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

    def _report(self) -> ImportReport:
        return self._tally.report(self._binding.collection, is_dry_run=self._is_dry_run)


class _Attempt:
    """One session of an import."""

    def __init__(self, importing: Importing) -> None:
        self._importing, self._session, self._counts = importing, importing.session, ImportTally()
        self._added: dict[Found, Model] = {}

    async def put(self, lines: Sequence[Line]) -> list[Exception | None]:
        """Add the record of each line, or change it."""
        errors, records, session = list[Exception | None](), self._importing.records, self._session
        found = await records.found(session, lines)
        made = records.made(lines, found)
        if records.add_all(session, made):
            self._counts.created += len(lines)
            self._counts.lines += len(lines)
            lines, errors = [], [None] * len(lines)
        for place, (_, members) in enumerate(lines):
            try:
                records.put(session, members, found[place], made[place], self._counts, self._added)
            except HoldallError as error:
                errors.append(error.with_traceback(None))  # which holds this list
            else:
                errors.append(None)
        records.demand_rights(self._counts)
        return errors

    async def end(self) -> None:
        """Commit them."""
        await self._importing.end(self._session)

    def accept(self) -> None:
        """Count them."""
        self._importing.count(self._counts)


async def _alone(documents: AsyncIterator[tuple[int, bytes]]) -> AsyncIterator[Lines]:
    async for document in documents:
        yield [document]


def _errors(error: Exception) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    cause = error.__cause__ if isinstance(error, CommitAborted) and error.__cause__ is not None else error
    return [FieldError("", "refused", str(cause) if isinstance(cause, HoldallError) else type(cause).__name__)]
