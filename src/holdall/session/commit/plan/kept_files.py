"""Files that a change keeps: their field is written only where it is as it was read, as contents may be gone."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.model import Field, Model, Record, State, old_of, state_of
from holdall.query import Value
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.guards import expected_of
from holdall.session.file_fields import files_of, holds_several
from holdall.store import Damaged, Expected

__all__ = ["guards_of_files"]


def guards_of_files(
    bindings: Bindings, dirty: Iterable[Record], models: Iterable[type[Model]]
) -> dict[int, tuple[Record, Expected]]:
    """The old values of changed lists of files, and of files that are renamed, as what their stores must still have.

    Somebody else who takes one of these files away deletes its content. A record with a version is guarded by that; a
    store that compares nothing takes the last of two changes.
    """
    chosen = {}
    for model in models:
        fields = bindings.file_fields.get(model, ())
        binding = bindings.of_model(model)
        if fields and binding.declaration.version is None and binding.can_expect:
            chosen[model] = binding, fields
    found: dict[int, tuple[Record, Expected]] = {}
    for record in dirty if chosen else ():
        guarding = chosen.get(type(record))
        if guarding is None or state_of(record) is not State.DIRTY:
            continue
        binding, fields = guarding
        old = old_of(record)
        names = [each.name for each in fields if each.name in old and _keeps(each, old[each.name], each.get(record))]
        if names:
            found[id(record)] = record, expected_of(binding, record, names)
    return found


def _keeps(field: Field, old: Value, now: Value) -> bool:
    """Whether a field that is written depends on what it had: a list does, of which others may have changed an item."""
    if isinstance(old, Damaged):
        return False
    if holds_several(field):
        return True
    kept = {each.key for each in files_of(old) if each.is_stored}
    return any(each.is_stored and each.key in kept for each in files_of(now))
