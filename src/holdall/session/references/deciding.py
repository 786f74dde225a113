"""Whether records, as they are stored or as they are to be, meet a rule; asked in the program's own name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from holdall.model import Record, Reference, State, hidden_ends, old_of, record_in, state_of
from holdall.policy import Judgement
from holdall.query import ALWAYS, And, Compare, Condition, Not, Or, Query, Row, Stated, Value, is_formula
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.locality import is_local
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.row_predicate import row_predicate
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["Deciding"]


class Subject(msgspec.Struct, eq=False):
    """A record to be decided about: its row, and itself where that is to be looked at instead of what is stored."""

    binding: Binding
    row: Row
    record: Record = None

    @property
    def is_whole(self) -> bool:
        """Whether the record is there, and nothing of it is withheld from its user; else the row tells what it has."""
        return self.record is not None and not is_withheld(self.binding, self.record)


class Deciding:
    """Decides rules for one commit, or for records by themselves; what they ask of other collections is asked once."""

    def __init__(
        self,
        bindings: Bindings,
        records: IdentityMap | None,
        semi_joins: SemiJoins,
        related: RelatedReader | None = None,
    ) -> None:
        self._bindings = bindings
        self._records = records
        self._semi_joins = semi_joins
        self._related = RelatedReader(semi_joins) if related is None else related
        self._known: dict[tuple[Binding, int], tuple[Condition, Callable[[Row], bool]]] = {}

    async def meet(self, condition: Condition, subjects: Sequence[Subject]) -> list[bool]:
        """Whether each of these meets the condition. A record that is new here leads to what is new here, too."""
        if condition == ALWAYS:
            return [True] * len(subjects)
        return [await self._holds(condition, subject) for subject in subjects]

    async def _holds(self, condition: Condition, subject: Subject) -> bool:
        match condition:
            case And(items):
                for item in items:
                    if not await self._holds(item, subject):
                        return False
                return True
            case Or(items):
                for item in items:
                    if await self._holds(item, subject):
                        return True
                return False
            case Not(item):
                return not await self._holds(item, subject)
            case Stated(statement=Judgement() as judgement) if subject.is_whole:
                return judgement.holds(subject.record)
            case Compare(path) if len(path) > 1 and not is_formula(path):
                led = await self._leads_to(subject, path[0])
                if led is not None:
                    return await self._holds(Compare(path[1:], condition.op, condition.value), led)
        predicate = await self._predicate(condition, subject.binding)
        return predicate(subject.row)

    async def _leads_to(self, subject: Subject, name: str) -> Subject | None:
        """The record of this session, new or changed, that a reference leads to; None where the stored one counts."""
        if subject.record is None:
            return None
        field = subject.binding.declaration.reference(name)
        if field is None or field.form is not None or not field.is_stored or field.target is None:
            return None
        slot, target = field.get(subject.record), self._bindings.of_model(field.target())
        records = self._records
        if slot.__class__ is Reference:
            found = record_in(slot)
        else:
            found = None if records is None else records.find(target.model, slot)
        if found is None or state_of(found) not in (State.NEW, State.DIRTY):
            return None
        return Subject(target, await self._row(target, found), found)

    async def _row(self, binding: Binding, record: Record) -> Row:
        """The row of a record that is new or changed, with the stored values of what is withheld from its user."""
        if not is_withheld(binding, record):
            return row_of(binding, record)
        key = record.__key__() if self._records is None else self._records.stored_key(record)
        stored = await self._related.whole_rows(binding, [key])
        return row_after(binding, stored[key], record) if key in stored else row_of(binding, record)

    async def _predicate(self, condition: Condition, binding: Binding) -> Callable[[Row], bool]:
        place = binding, id(condition)
        known = self._known.get(place)
        if known is None:
            local = condition
            if not is_local(Query(binding.collection, condition)):
                local = await self._semi_joins.condition(condition, binding, ALWAYS)
            known = self._known[place] = condition, row_predicate(local, binding)
        return known[1]


def is_withheld(binding: Binding, record: Record) -> bool:
    """Whether stored values of the record are withheld from the user of its session."""
    return not hidden_ends(record).isdisjoint(binding.all_fields)


def row_of(binding: Binding, record: Record) -> Row:
    """The row of a record as it is now."""
    found: Value = binding.codec.reader(binding.all_fields)(record)
    return tuple(found)


def row_after(binding: Binding, row: Row, record: Record) -> Row:
    """The stored row with what the record changes."""
    if state_of(record) is State.NEW:  # it gets another key
        return row_of(binding, record)
    if state_of(record) is not State.DIRTY:
        return row
    names, values = tuple(old_of(record)), list(row)
    for name, value in zip(names, binding.codec.reader(names)(record), strict=True):
        values[binding.schema.positions[name]] = value
    return tuple(values)
