"""Imports into one collection: in batches, with a report of every line that was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from holdall.app.transfer.line_batches import Line, store_lines
from holdall.errors import FieldError, HoldallError, ValidationError
from holdall.model import Record, has_repeated_names
from holdall.policy import User
from holdall.query import Json, Key, Value
from holdall.session import Bindings, Session
from holdall.web.asgi import Receive, Scope
from holdall.web.body import CSV, NDJSON, demand_few_values, media_type
from holdall.web.bulk import Bulk
from holdall.web.importing.lines import CLOSE, lines_of
from holdall.web.importing.rows import rows_below
from holdall.web.intake import Intake
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearse
from holdall.web.reply import Reply, json_reply
from holdall.web.view import CollectionView

__all__ = ["IMPORTED", "Imports", "Line", "Report"]

IMPORTED = (CSV, *NDJSON)
"""The types of bodies that are imports."""

_Read = Callable[[Sequence[bytes]], Sequence[Value]]  # from lines to members of records, or what is wrong with one
_BATCH = 500  # lines
_MOST_ERRORS, _OF_ONE_LINE = 10_000, 10


class Report(msgspec.Struct):
    """The ends of all lines; ``created`` are those that are stored now, or would be. Example: :func:`asgi`."""

    lines: int = 0
    created: int = 0
    failed: int = 0
    truncated: bool = False
    errors: list[dict[str, Json]] = []

    def refuse(self, number: int, errors: Sequence[FieldError]) -> None:
        """Note a line that is not stored."""
        self.failed += 1
        for error in errors[:_OF_ONE_LINE]:
            if len(self.errors) >= _MOST_ERRORS:
                self.truncated = True
                return
            told = {"line": number, "path": error.path, "code": error.code, "message": error.message}
            self.errors.append(told)  # type: ignore[arg-type]


class Imports:
    """Answers ``POST /books`` of CSV or of lines of JSON. Example: :func:`asgi`."""

    def __init__(self, intake: Intake, view: CollectionView, bulk: Bulk, bindings: Bindings) -> None:
        self._intake = intake
        self._view = view
        self._bulk = bulk
        self._bindings = bindings

    async def answer(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """200 with a report, 207 where lines were refused. Raises Problem for a body that ends the import."""
        skipped, keeps_formulas = _parameters(scope)
        preferences = preferences_of(scope, b"tx=rollback", b"tx=commit", b"tx=item")
        options = self._intake.options
        is_csv = media_type(scope) == CSV
        lines = lines_of(receive, options.max_body, options.body_seconds, is_quoted=is_csv)
        report = Report(errors=[])
        numbers, batch = list[int](), list[bytes]()
        read: _Read | None = None if is_csv else _json_reader(skipped, options.max_values)
        async for number, line in lines:
            if read is None:
                accepted = self._view.input_of(user, is_new=True).names
                rows = rows_below(line, self._view.binding, accepted, skipped, keeps_formulas=keeps_formulas)
                read = rows.members_of_all
                continue
            if report.lines >= options.max_import:
                report.refuse(number, [FieldError("", "limit", "is one too many: it and the rest were not read")])
                break
            report.lines += 1
            numbers.append(number)
            batch.append(line)
            if len(batch) == _BATCH:
                given = list(zip(numbers, read(batch), strict=True))
                await self.take_batch(scope, user, given, preferences, report)
                numbers, batch = [], []
        given = [] if read is None else list(zip(numbers, read(batch), strict=True))
        await self.take_batch(scope, user, given, preferences, report)
        headers = list(preferences.headers)
        if report.failed and report.lines >= options.max_import:
            headers.extend(CLOSE)
        return json_reply(207 if report.failed else 200, msgspec.json.encode(report), *headers)

    async def take_batch(
        self, scope: Scope, user: User, batch: Sequence[Line], preferences: Preferences, report: Report
    ) -> None:
        """Store the lines of a batch together, or one by one where something stands in the way of some."""

        def begin() -> _Attempt:
            return _Attempt(self, Session(self._bindings, user), preferences, report)

        def refuse(number: int, error: Exception) -> None:
            report.refuse(number, self._errors(scope, error, user))

        await store_lines(begin, batch, refuse, (Problem, HoldallError))

    async def end(self, session: Session, preferences: Preferences) -> None:
        """Commit, or only rehearse that."""
        if preferences.is_rehearsal:
            await rehearse(session)
        else:
            await session.commit()

    def made(self, user: User, lines: Sequence[Line]) -> list[Record | HoldallError]:
        """A new record for each line, or why there can be none."""
        given, made = self._view.input_of(user, is_new=True), list[Record | HoldallError]()
        decoded = iter(given.create_all([members for _, members in lines if isinstance(members, dict)]))
        for _, members in lines:
            if isinstance(members, FieldError):
                made.append(ValidationError(self._view.declaration.model.__name__, [members]))
            elif isinstance(members, dict):
                made.append(next(decoded))
            else:
                try:
                    made.append(given.create(members))
                except ValidationError as error:
                    made.append(error.with_traceback(None))  # which holds this list
        return made

    def add(self, session: Session, record: Record | HoldallError, seen: set[Any]) -> None:
        """Have the record be new in a session. Raises the error in its place, ValidationError or Problem."""
        if isinstance(record, HoldallError):
            raise record
        key = record.__key__()
        if key is not None and key in seen:
            raise Problem(409, "exists", "There is already a record with this key.")
        seen.add(key)
        self._view.admit(session, record)

    def _errors(self, scope: Scope, error: Exception, user: User) -> Sequence[FieldError]:
        problem = self._bulk.problem_of_item(scope, error, user)
        return problem.errors or [FieldError("", problem.code, problem.detail)]


class _Attempt:
    """One session of an import."""

    def __init__(self, imports: Imports, session: Session, preferences: Preferences, report: Report) -> None:
        self._imports, self._session, self._preferences, self._report = imports, session, preferences, report
        self._seen, self._number = set[Key](), 0

    async def put(self, lines: Sequence[Line]) -> list[Exception | None]:
        """Add a record for each line."""
        errors = list[Exception | None]()
        for record in self._imports.made(self._session.user, lines):
            try:
                self._imports.add(self._session, record, self._seen)
            except (Problem, ValidationError) as error:
                errors.append(error.with_traceback(None))  # which holds this list
            else:
                errors.append(None)
        self._number += errors.count(None)
        return errors

    async def end(self) -> None:
        """Commit them."""
        await self._imports.end(self._session, self._preferences)

    def accept(self) -> None:
        """Count them."""
        self._report.created += self._number


def _parameters(scope: Scope) -> tuple[set[str], bool]:
    """The columns to leave out, and whether formulas stay as they are. Raises Problem for other parameters."""
    skipped: set[str] = set()
    keeps_formulas, errors = False, list[FieldError]()
    for name, value in parameters_of(scope["query_string"]):
        if name == "skip":
            skipped.update(value.split(","))
        elif name == "formulas" and media_type(scope) == CSV:
            if value not in ("escape", "keep"):
                errors.append(FieldError(name, "one_of", "must be one of escape, keep"))
            keeps_formulas = value == "keep"
        else:
            errors.append(unknown_parameter(name))
    if errors:
        raise not_understood(errors)
    return skipped, keeps_formulas


def _json_reader(skipped: set[str], most: int) -> _Read:
    """The function from lines to the JSON of records, without the members that are skipped."""

    def read(line: bytes) -> Value:
        try:
            demand_few_values(line, most)
        except Problem:
            return FieldError("", "limit", f"has more than {most} values")
        if has_repeated_names(line):
            return FieldError("", "json", "gives a name twice in one object")
        if not skipped:
            return line
        try:
            members = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return line  # which is then refused
        return msgspec.json.encode({name: value for name, value in members.items() if name not in skipped})

    return lambda lines: [read(line) for line in lines]
