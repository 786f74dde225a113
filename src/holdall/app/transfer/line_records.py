"""Records of the lines of an import: new ones, made together, or those that lines are about, which get their values."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import msgspec

from holdall.app.transfer.finding import Found, demand_own_key, encoded, names_found_by, record_of, values_of
from holdall.app.transfer.line_batches import Line
from holdall.app.transfer.line_reading import Members
from holdall.app.transfer.report import ImportTally
from holdall.errors import FieldError, HoldallError, ValidationError
from holdall.files import File, shown_file
from holdall.model import JsonInput, Model, assign
from holdall.policy import Right, User
from holdall.query import Json, Value
from holdall.session import Binding, Session, add_together, read_only_fields

__all__ = ["LineRecords", "Made", "Which"]

Made = Model | HoldallError | None
"""The new record of a line, or why there can be none; None where the line may be about another record."""

Which = tuple[Found, Model | None] | HoldallError | None
"""The values that a line's record is found by, and the record, or why not; None where all lines give new ones."""

_NO_FILE = "is a file, whose content no line has: name it in skip=, and give the record its file afterwards"


class LineRecords:
    """Makes and changes the records of one import; ``columns`` are those of rows of CSV.

    Example: ``docs/import-export.md``.
    """

    def __init__(self, binding: Binding, user: User, *, upsert: bool, by: Collection[str]) -> None:
        self.columns: tuple[str, ...] = ()
        self._binding = binding
        self._user = user
        self._upsert = upsert
        self._by = names_found_by(binding, upsert, by)
        stored = binding.declaration.stored
        self._kept = {field.name for field in stored if field.options.pk or field.options.is_given_elsewhere}
        self._with_own_types = [field for field in stored if field.type is not None and field.type.own is not None]
        self._new, self._old = self._input(is_new=True), self._input(is_new=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that lines may give."""
        return self._new.names

    def demand_rights(self, counts: ImportTally) -> None:
        """Raise Forbidden, which ends the import, where the user may do what lines do with no record at all."""
        for number, right in ((counts.created, Right.CREATE), (counts.changed, Right.UPDATE)):
            if number:
                self._binding.policy.demand(right, self._user, self._binding.collection)

    async def found(self, session: Session, lines: Sequence[Line]) -> list[Which]:
        """The records that lines change, asked for together; none where every line is to be a new one."""
        if not self._upsert:
            return [None] * len(lines)

        async def one(given: Members) -> Which:
            if isinstance(given, FieldError):
                return None
            try:
                values = values_of(self._binding, self._by, self._named(given))
                return encoded(self._binding, values), await record_of(session, self._binding, values)
            except HoldallError as error:
                return error

        return await asyncio.gather(*(one(members) for _, members in lines))

    def made(self, lines: Sequence[Line], found: Sequence[Which]) -> list[Made]:
        """The new record of each line, or why there can be none; None for a line that may be about another record."""
        if not self._upsert and lines and all(members.__class__ is tuple for _, members in lines):
            return self._new.create_rows(self.columns, [row for _, row in lines])
        places, seen, made = list[int](), set[Found](), list[Made]([None] * len(lines))
        for place, (_, members) in enumerate(lines):
            which = found[place]
            if isinstance(which, HoldallError):
                made[place] = which
            elif isinstance(members, FieldError):
                made[place] = ValidationError(self._binding.model.__name__, [members])
            elif which is None or (which[1] is None and which[0] not in seen):
                places.append(place)
                if which is not None:
                    seen.add(which[0])
        records = self._new.create_all([self._named(lines[place][1]) for place in places])
        for place, record in zip(places, records, strict=True):
            made[place] = record
        return made

    def add_all(self, session: Session, made: Sequence[Made]) -> bool:
        """Add the records of lines together; False, and nothing is done, where one needs a look of its own."""
        records: Sequence[Value] = made if set(map(type, made)) == {self._binding.model} else ()
        return not any(map(self._files_in, records)) and add_together(session.context, records)

    def put(
        self,
        session: Session,
        given: Members,
        found: Which,
        made: Made,
        counts: ImportTally,
        added: dict[Found, Model],
    ) -> None:
        """Add the record ``made`` of a line, or give the line's values to that which is there or was ``added``."""
        if isinstance(made, HoldallError):
            raise made
        assert not isinstance(given, FieldError)
        assert not isinstance(found, HoldallError)  # both are reasons that stand in ``made``
        there = None
        if found is not None:
            there = added.get(found[0]) if found[1] is None else found[1]
        if there is None:
            record: Model = self._new.create_from(self._named(given)) if made is None else made
            self._add(session, record)
            if found is not None:
                added[found[0]] = record
            counts.created += 1
        else:
            counts.changed += self._changed(there, self._named(given))
        counts.lines += 1

    def _add(self, session: Session, record: Model) -> None:
        name = self._binding.model.__name__
        if files := self._files_in(record):
            raise ValidationError(name, [FieldError(each, "upload", _NO_FILE) for each in files])
        if not self._upsert:
            key = record.__key__()
            if key is not None and key in session.context.records.of(self._binding.model):
                raise ValidationError(name, [FieldError("", "exists", "is the key of an earlier line")])
        session.add(record)

    def _files_in(self, record: Model) -> list[str]:
        return [field.name for field in self._with_own_types if isinstance(field.get(record), File)]

    def _named(self, given: dict[str, Json] | tuple[Json, ...]) -> dict[str, Json]:
        return dict(zip(self.columns, given, strict=True)) if isinstance(given, tuple) else given

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

    def _input(self, *, is_new: bool) -> JsonInput:
        """The way from members to records, of what the user may give; the program itself gives all."""
        declaration = self._binding.declaration
        if self._user.unrestricted:
            return declaration.stored_input if is_new else declaration.json_input
        refused = read_only_fields(self._binding, self._user, is_new=is_new)
        return declaration.json_input.without(self._binding.policy.hidden(self._user), refused)


def _is_same_file(record: Model, name: str, value: Json) -> bool:
    """Whether a member describes the file that a record has, as exports do."""
    field = type(record).__holdall__.by_name.get(name)
    file = None if field is None else field.get(record)
    return isinstance(file, File) and value == msgspec.to_builtins(shown_file(file))
