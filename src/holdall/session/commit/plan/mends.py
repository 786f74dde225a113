"""Records that could not be read whole: their versions cannot be compared, and are written anew."""

from __future__ import annotations

from holdall.errors import StateError
from holdall.model import Record, old_of
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.plan import Batch
from holdall.store import Damaged, Verb

__all__ = ["mends_of", "removals_of"]


def mends_of(bindings: Bindings, dirty: list[Record], mended: set[int]) -> tuple[list[Batch], list[Record]]:
    """The updates of records whose version could not be read, and the other records.

    Raises StateError for a record of which nothing could be read and only a part is given.
    """
    found, rest = list[Batch](), list[Record]()
    for record in dirty:
        binding = bindings.of_model(type(record))
        before, version = old_of(record), binding.declaration.version
        if id(record) in mended:
            _demand_whole(binding, record)
        if version is None or not isinstance(before.get(version.name, version.get(record)), Damaged):
            rest.append(record)
            continue
        if isinstance(version.get(record), Damaged):
            before[version.name] = version.get(record)
            version.put(record, 1)
        names = binding.update_fields(frozenset(before))
        found.append(Batch(binding, Verb.UPDATE, [record], [record.__key__()], names))
    return found, rest


def _demand_whole(binding: Binding, record: Record) -> None:
    """Raise StateError where nothing of the record could be read and it was not given all values: what is stored may
    be no record at all.
    """
    declaration, before = binding.declaration, old_of(record)
    own = [field for field in declaration.stored if field not in declaration.key and field is not declaration.version]
    lacking = [field.name for field in own if isinstance(field.get(record), Damaged)]
    if lacking and all(isinstance(before.get(field.name, field.get(record)), Damaged) for field in own):
        place = f"{binding.collection} {record.__key__()!r}"
        raise StateError(f"nothing of {place} can be read: give it {', '.join(lacking)} as well, or remove it")


def removals_of(batch: Batch) -> list[Batch]:
    """The removals of a batch, those of records whose version cannot be read without one."""
    versions = batch.versions
    if versions is None or not any(isinstance(version, Damaged) for version in versions):
        return [batch]
    return [
        Batch(batch.binding, batch.verb, [record], [key], versions=None if isinstance(version, Damaged) else [version])
        for record, key, version in zip(batch.records, batch.keys, versions, strict=True)
    ]
