"""Which changed records refer to which: what is added before what, and removed after what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from holdall.model import Field, Model, Record, Reference, old_of, record_in
from holdall.query import Key
from holdall.session.commit.plan.order import Edge

__all__ = ["addition_edges", "removal_edges"]


def addition_edges(
    new: list[Record], models: set[type[Model]]
) -> tuple[dict[Edge, None], dict[tuple[int, int], set[str]]]:
    """Which new records refer to which, and by which fields."""
    targets = _Targets(new, models)
    edges: dict[Edge, None] = {}
    fields: dict[tuple[int, int], set[str]] = {}
    for number, record in _referring(new, models):
        for field in record.__holdall__.references:
            for other in targets.of(field, record):
                if not _orders(field, new[other], is_self=other == number):
                    continue
                edges[Edge(number, other, may_wait=field.nullable or field.form is not None)] = None
                fields.setdefault((number, other), set()).add(field.name)
    return edges, fields


class _Targets:
    """The places of new records among all, by what refers to them: themselves, or their keys."""

    def __init__(self, new: list[Record], models: set[type[Model]]) -> None:
        self._new = new
        self._models = models
        self._by_record: dict[int, int] = {}
        self._by_key: dict[Key, dict[Key, int]] = {}

    def of(self, field: Field, record: Record) -> Iterator[int]:
        """The places of those that a reference leads to."""
        slot = field.get(record)
        for item in slot if field.form is not None else (slot,):
            if item is None:
                continue
            target = record_in(item) if item.__class__ is Reference else None
            if target is not None:
                self._by_record = self._by_record or {id(each): place for place, each in enumerate(self._new)}
                found = self._by_record.get(id(target))
            else:
                model = field.target() if field.target is not None else None
                found = (
                    None
                    if model not in self._models
                    else self._of_model(model).get(item.key if item.__class__ is Reference else item)
                )
            if found is not None:
                yield found

    def _of_model(self, model: type[Model]) -> dict[Key, int]:
        known = self._by_key.get(model)
        if known is None:
            known = {record.__key__(): place for place, record in enumerate(self._new) if type(record) is model}
            known.pop(None, None)
            self._by_key[model] = known
        return known


def _orders(field: Field, target: Any, is_self: bool) -> bool:
    """Whether the target must be added first: always, where its key is yet to be made."""
    return target.__key__() is None or (field.depends_on and not is_self)


def removal_edges(deleted: list[Record]) -> list[Edge]:
    """Which removals wait for which: what refers to others goes before what it refers to."""
    by_key = {(type(record), record.__key__()): number for number, record in enumerate(deleted)} if deleted else {}
    edges: dict[Edge, None] = {}
    for number, record in _referring(deleted, set(map(type, deleted))):
        for field in record.__holdall__.references:
            stored = field.encode(old_of(record).get(field.name, field.get(record)))
            for key in (stored,) if field.form is None else stored:
                other = by_key.get((field.target(), key))
                if other is not None and other != number:
                    edges[Edge(other, number, may_wait=True)] = None
    return list(edges)


def _referring(records: list[Record], models: set[type[Model]]) -> list[tuple[int, Any]]:
    """The records, which are of these models, that may refer to others, with their places among all; mostly none."""
    chosen = {model for model in models if model.__holdall__.references}
    return [(number, record) for number, record in enumerate(records) if type(record) in chosen] if chosen else []
