"""Bulk changes made record by record: the records are read, within a bound, and each is changed as if it were here.

So they keep references, rules and versions as single changes do, in any stores and in a commit over several of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors import FieldError, StateError
from holdall.model import Field, Record, State, old_of, state_of
from holdall.query import AnyQuery, Key, Query, Row, Table, Value, evaluate, paths_behind, paths_of
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.pending_bulk import PendingBulk
from holdall.session.references.cascade_plan import CascadePlan
from holdall.session.references.cross_store import CrossStore
from holdall.session.references.locality import is_local
from holdall.session.references.semi_joins import SemiJoins
from holdall.store import Rows, Verb, changes_of_rows, demand_at_most, getter_of

__all__ = ["read_bulk"]


async def read_bulk(found: CascadePlan, semi_joins: SemiJoins, pending: Sequence[PendingBulk]) -> None:
    """Have the commit change each record that bulk changes mean, one after the other, as those before leave them.

    Changes and removals of the session itself stay as they are. Raises LimitExceeded, and StateError where a condition
    looks, beyond the fields of its own records, at what an earlier bulk change has changed.
    """
    before = _Before(found.bindings)
    for each in pending:
        rows = await _rows(semi_joins, each, before)
        demand_at_most(each.change(each.query), len(rows))
        each.number = len(rows)
        getters = {field: getter_of(each.binding.schema, path) for field, path in each.computed.items()}
        for row in rows:
            _change(found, each, row, {field: get(row) for field, get in getters.items()})
        if len(pending) > 1:
            before.note(each, rows)


class _Before:
    """The changes that earlier bulk changes of a commit have made."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._rows: dict[Binding, dict[Key, Row | None]] = {}  # as they are left; None for one that is gone
        self._fields: set[tuple[str, str]] = set()

    def rows(self, binding: Binding) -> dict[Key, Row | None]:
        """The rows of a collection that were changed, by key."""
        return self._rows.get(binding, {})

    def note(self, each: PendingBulk, rows: Rows) -> None:
        """Note the rows as this bulk change leaves them."""
        binding, left = each.binding, self._rows.setdefault(each.binding, {})
        for row, change in zip(rows, changes_of_rows(each.change(each.query), binding.schema, rows), strict=True):
            values: list[Value] | None = None
            if change.verb is Verb.UPDATE:
                values = list(row)
                for name, value in zip(change.fields, change.values, strict=True):
                    values[binding.schema.positions[name]] = value
            left[change.key] = None if values is None else tuple(values)
        names = binding.all_fields if each.verb is Verb.REMOVE else [field.name for field in each.fields]
        if rows:
            self._fields.update((binding.collection, name) for name in names)

    def are_seen(self, each: PendingBulk) -> list[str]:
        """The collections of which a bulk change looks at fields that were changed."""
        found = set[str]()
        for path in paths_of(each.query):
            current = each.binding
            for name in path:
                field = current.schema.field(name)
                pair = (current.collection, field.kept_in)
                if field.back is not None:
                    other = self._bindings.of_name(str(field.target)).schema
                    pair = (other.name, other.field(field.back).kept_in)
                if pair in self._fields:
                    found.add(pair[0])
                if field.target is not None:
                    current = self._bindings.of_name(field.target)
        return sorted(found)


def _change(found: CascadePlan, each: PendingBulk, row: Row, computed: dict[Field, Value]) -> None:
    binding = each.binding
    key = binding.row_key(row)
    record = found.record(binding, key, binding.all_fields, row)
    if state_of(record) is State.DELETED or found.is_removed(binding, key):
        return
    if each.verb is Verb.REMOVE:
        found.remove(binding, key, record)
    else:
        edited = old_of(record) if state_of(record) is State.DIRTY else {}
        for field, slot in (each.slots | _slots(found, record, computed)).items():
            if field.name not in edited:
                found.change(record, key, field, slot)
                found.changed_in_bulk.add((id(record), field))
    _assume(found, each, record)


def _slots(found: CascadePlan, record: Record, computed: dict[Field, Value]) -> dict[Field, Value]:
    """The computed values as records have them; those that break a rule are noted as errors."""
    slots = dict[Field, Value]()
    for field, value in computed.items():
        decode, errors = field.type.decode if field.type is not None else None, list[FieldError]()
        slot = value if decode is None or value is None else decode(value)
        slots[field] = field.validate(slot, errors)
        found.errors += [(record, error) for error in errors]
    return slots


def _assume(found: CascadePlan, each: PendingBulk, record: Record) -> None:
    """Go by what the condition looked at, where no version tells that it has changed."""
    names = (
        {path[0] for path in paths_of(each.query)}
        | {field.name for field in each.fields}
        | {path[0] for way in each.computed.values() for path in paths_behind(way)}
    )
    for name in sorted(names):
        field = each.binding.declaration.reference(name)
        if field is not None and field.root.is_stored and field.root.form is None:
            found.assume(record, field)


async def _rows(semi_joins: SemiJoins, each: PendingBulk, before: _Before) -> Rows:
    """The whole rows that a bulk change means, as those before it leave them; at most one more than there may be."""
    binding, query = each.binding, each.query
    seen, known = before.are_seen(each), before.rows(binding)
    is_cut = query.max_rows is not None or query.skip > 0
    if not seen and not (known and is_cut):
        rows = await _fetched(semi_joins, each.bounded(query, each.most), binding)
        left = [known.get(binding.row_key(row), row) for row in rows] if known else rows
        return [row for row in left if row is not None]
    if not is_local(query):
        raise StateError(
            f"a bulk change of {binding.collection} looks at {(seen or [binding.collection])[0]}, which an earlier one"
            " of this commit changes: commit before it, or make both in a transaction block"
        )
    plain: AnyQuery = Query(query.collection, query.condition)
    rows = await _fetched(
        semi_joins, each.bounded(plain, None if each.most is None else each.most + len(known)), binding
    )
    left = [row for row in rows if binding.row_key(row) not in known]
    left += [row for row in known.values() if row is not None]
    return evaluate(query, {binding.collection: Table(binding.schema, left)})


async def _fetched(semi_joins: SemiJoins, query: AnyQuery, binding: Binding) -> Rows:
    if is_local(query):
        return await semi_joins.access(binding).fetch(query)
    return await CrossStore(semi_joins).fetch(await semi_joins.rewrite(query, binding), binding)
