"""Conditions and sorts as query parameters of one collection, as far as its API understands them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.query import ALWAYS, And, Compare, Condition, FieldSchema, Kind, Op, Or, Schema, SortKey, is_formula, nodes
from holdall.stores.rest.call import text_of
from holdall.stores.rest.filters import Filters, Sorting

__all__ = ["Spelling"]

Parameters = list[tuple[str, str]]


class Spelling:
    """Writes the conditions and sorts of one collection; ``places`` is where its fields lie in JSON."""

    def __init__(
        self,
        schema: Schema,
        filters: Filters | None,
        sorting: Sorting | None,
        order: tuple[str, ...],
        places: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._schema = schema
        self._filters = filters
        self._sorting = sorting
        self._order = order
        self._names = {name: ".".join(place) for name, place in places.items()}

    def condition(self, condition: Condition) -> tuple[Parameters, Condition | None]:
        """The parameters, and what of the condition they do not say; None if they say all of it.

        The parameters never demand more than the condition does.
        """
        if condition == ALWAYS:
            return [], None
        filters = self._filters
        if filters is None:
            return [], condition
        if filters.spell is not None and not _has_formula(condition):
            spelled = filters.spell(condition)
            if spelled is not None:
                return list(spelled.items()), None
        parameters: Parameters = []
        left: list[Condition] = []
        taken: set[str] = set()
        for item in _conjuncts(condition):
            written = self._comparison(filters, item)
            names = {name for name, _ in written or ()}
            if written is None or names & taken:  # most APIs take the last of two parameters of one name
                left.append(item)
            else:
                taken |= names
                parameters += written
        return parameters, None if not left else left[0] if len(left) == 1 else And(tuple(left))

    def sort(self, keys: Sequence[SortKey]) -> Parameters | None:
        """The parameters for this order, the key as last word added; None if the API cannot sort so."""
        sorted_by = {key.path for key in keys}
        whole = (*keys, *(SortKey((name,)) for name in self._schema.key if (name,) not in sorted_by))
        whole = _until_unique(whole, self._schema)
        if self._order and tuple(SortKey((name,)) for name in self._order)[: len(whole)] == tuple(
            SortKey(key.path, key.descending) for key in whole
        ):
            return [] if not any(self._places_nulls(key) for key in whole) else None
        sorting = self._sorting
        if sorting is None:
            return None
        if any(is_formula(key.path) for key in whole):
            return None
        if sorting.spell is not None:
            spelled = sorting.spell(whole)
            return None if spelled is None else list(spelled.items())
        if len(whole) > sorting.most_keys or not all(self._sorts(sorting, key) for key in whole):
            return None
        texts = [
            (sorting.descending if key.descending else sorting.ascending).format(field=self._names[key.path[0]])
            for key in whole
        ]
        return [(sorting.parameter, sorting.separator.join(texts))]

    def _sorts(self, sorting: Sorting, key: SortKey) -> bool:
        name = key.path[0]
        if name not in self._names or (sorting.fields is not None and name not in sorting.fields):
            return False
        if not self._places_nulls(key):
            return True
        nulls_first = {
            None: None,
            "first": True,
            "last": False,
            "smallest": not key.descending,
            "largest": key.descending,
        }[sorting.nulls]
        return nulls_first is key.nulls_first

    def _places_nulls(self, key: SortKey) -> bool:
        return is_formula(key.path) or self._schema.field(key.path[0]).nullable

    def _comparison(self, filters: Filters, node: Condition) -> Parameters | None:
        if not isinstance(node, Compare) or len(node.path) != 1 or node.path[0] not in self._names:
            return None
        name, op, value = node.path[0], node.op, node.value
        field = self._schema.field(name)
        if not _has_text(field):
            return None
        if op is Op.BETWEEN and not self._knows(filters, name, op):
            low = self._comparison(filters, Compare(node.path, Op.GE, value[0]))
            high = self._comparison(filters, Compare(node.path, Op.LE, value[1]))
            return None if low is None or high is None else low + high
        if not self._knows(filters, name, op):
            return None
        parameter = filters.operators[op].format(field=self._names[name])
        if op is Op.IS_NULL:
            return [(parameter, "true" if value else "false")]
        if op in (Op.IN, Op.NOT_IN, Op.BETWEEN):
            return _listed(filters, parameter, [text_of(item) for item in value])
        return [(parameter, text_of(value))]

    def _knows(self, filters: Filters, name: str, op: Op) -> bool:
        if op not in filters.operators:
            return False
        if filters.fields is None:
            return True
        operators = filters.fields.get(name, frozenset())
        return operators is None or op in operators


def _has_formula(condition: Condition) -> bool:
    return any(isinstance(node, Compare) and is_formula(node.path) for node in nodes(condition))


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, And) or (isinstance(condition, Or) and len(condition.items) == 1):
        return [part for item in condition.items for part in _conjuncts(item)]
    return [condition]


def _listed(filters: Filters, parameter: str, texts: list[str]) -> Parameters | None:
    if not texts or len(texts) > filters.most_values:
        return None
    separator, escape = filters.separator, filters.escape
    if not separator:
        return [(parameter, text) for text in texts]
    if escape:
        texts = [text.replace(escape, escape * 2).replace(separator, escape + separator) for text in texts]
    elif any(separator in text for text in texts):
        return None
    return [(parameter, separator.join(texts))]


def _has_text(field: FieldSchema) -> bool:
    """Whether the field's values can stand in a parameter: no JSON, no lists, no keys of several parts."""
    if field.kind is Kind.REF:
        return len(field.target_key) == 1 and _has_text(field.target_key[0])
    return field.kind not in (Kind.JSON, Kind.MANY)


def _until_unique(keys: tuple[SortKey, ...], schema: Schema) -> tuple[SortKey, ...]:
    """The keys up to where no two records can be equal in all of them."""
    missing = set(schema.key)
    for number, key in enumerate(keys, 1):
        missing.discard(key.path[0])
        if not missing:
            return keys[:number]
    return keys
