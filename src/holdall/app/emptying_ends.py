"""Stored other ends of a collection that is dropped: emptied first, as nothing will refer to their records any more."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors import SchemaMismatch
from holdall.model import Field
from holdall.policy import SYSTEM
from holdall.query import ALWAYS
from holdall.session import Binding, Bindings, Session
from holdall.session.references.cascade_plan import CascadePlan
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.stub import field_names

__all__ = ["empty_ends"]


async def empty_ends(bindings: Bindings, doomed: Sequence[Binding]) -> None:
    """Empty the lists of what refers to a record, where a collection that goes fills them and another keeps them.

    Raises CommitError where others change such a record at the same time, again and again.
    """
    for binding in doomed:
        for relationship in binding.relationships:
            target = relationship.target
            if relationship.stored_inverses and target not in doomed and not target.is_read_only:
                try:
                    await _emptied(bindings, target, relationship.stored_inverses)
                except SchemaMismatch:  # nothing is stored there
                    continue


async def _emptied(bindings: Bindings, target: Binding, backs: Sequence[Field]) -> None:
    """Empty these fields of all records that have something in them, a page of records in one commit."""
    names, parts = field_names(target, is_changed=True), len(target.schema.key)
    async for rows in RelatedReader(SemiJoins(bindings, SYSTEM)).pages(target, ALWAYS, names):
        session = Session(bindings)
        found = CascadePlan(session.context.records, session.context.bindings)
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            for back in backs:
                if row[names.index(back.name)] not in (None, ()):
                    record = found.record(target, key, tuple(names), row)
                    found.change(record, key, back, None if back.form is None else ())
        if found.is_empty:
            continue
        induced = found.induce()
        try:
            await session.commit()
        finally:
            induced.end()
