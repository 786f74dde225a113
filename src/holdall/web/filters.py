"""The filters of one query string: each parameter a condition, all of which hold."""

from __future__ import annotations

from holdall.errors import FieldError
from holdall.query import ALWAYS, Asked, Condition, FieldSchema, Kind, Op, Value, operators_of
from holdall.session import Binding, Bindings
from holdall.web.comparison import comparison, searched, values_of
from holdall.web.filter_groups import GROUPS, all_of, condition_of_group
from holdall.web.nested_text import inside, plain
from holdall.web.path import ResolvedPath, resolve_path
from holdall.web.problem import Problem
from holdall.web.text_value import Unreadable

__all__ = ["MAX_FILTERS", "OPERATORS", "SEARCH", "Filters", "described", "split_operator"]

MAX_FILTERS = 50

SEARCH = "q"
"""The filter that is full-text search, where it is declared; elsewhere it may be the name of a field."""

OPERATORS = {
    "eq": Op.EQ,
    "ne": Op.NE,
    "in": Op.IN,
    "isnull": Op.IS_NULL,
    "gt": Op.GT,
    "gte": Op.GE,
    "lt": Op.LT,
    "lte": Op.LE,
    "contains": Op.CONTAINS,
    "icontains": Op.ICONTAINS,
    "startswith": Op.STARTSWITH,
    "endswith": Op.ENDSWITH,
}


class Filters:
    """Takes filters, and has their condition, what is wrong with them, and the collections that they look into."""

    def __init__(self, binding: Binding, bindings: Bindings, errors: list[FieldError]) -> None:
        self._binding = binding
        self._bindings = bindings
        self._errors = errors
        self._conditions: list[Condition] = []
        self._lists: dict[str, tuple[int, tuple[Value, ...]]] = {}
        self._count = 0
        self.visits: list[tuple[str, Binding]] = []

    def take(self, name: str, value: str, *, is_nested: bool = False) -> None:
        """Take one parameter; one that is nested in another is written as in a group. Raises Problem for too many."""
        if name in GROUPS:
            self._group(name, value)
            return
        if is_nested:
            if (condition := self._leaf(name, name, value)) is not None:
                self._conditions.append(condition)
            return
        if name not in self._lists:
            self._take_one()
        if self._is_search(name):
            if (condition := self._searched(name, value)) is not None:
                self._conditions.append(condition)
            return
        found = self._field(name, name)
        if found is None:
            return
        resolved, op = found
        try:
            if op is Op.IN:
                self._one_of(name, resolved, value)
            else:
                self._conditions.append(comparison(resolved, op, value))
        except Unreadable as error:
            self._refuse(name, "value", str(error))

    @property
    def condition(self) -> Condition:
        """The condition that all of them hold."""
        return all_of(self._conditions) if self._conditions else ALWAYS

    def _group(self, word: str, text: str) -> None:
        try:
            condition = condition_of_group(word, text, lambda name, value: self._leaf(f"{word}.{name}", name, value))
        except Unreadable as error:
            self._refuse(word, "syntax", str(error))
            return
        if condition is not None:
            self._conditions.append(condition)

    def _leaf(self, place: str, name: str, text: str) -> Condition | None:
        """The condition of one filter in a group; None where it is refused. A list of values stands in parentheses."""
        self._take_one()
        if self._is_search(name):
            return self._searched(place, plain(text))
        found = self._field(place, name)
        if found is None:
            return None
        resolved, op = found
        try:
            if op is not Op.IN:
                return comparison(resolved, op, plain(text))
            within = inside(text)
            items = text if within is None else within
            return resolved.compare(
                op, values_of(resolved, plain(items) if resolved.field.kind is Kind.JSON else items)
            )
        except Unreadable as error:
            self._refuse(place, "value", str(error))
            return None

    def _is_search(self, name: str) -> bool:
        return name == SEARCH and bool(self._binding.declaration.search)

    def _searched(self, place: str, words: str) -> Condition | None:
        """The condition of full-text search; None where it is refused."""
        if not {*self._binding.declaration.search}.isdisjoint(
            self._bindings.hidden_names.get(self._binding.collection, ())
        ):
            self._refuse(place, "unknown", "is not a parameter here")
            return None
        try:
            return searched(self._binding.model, words)
        except Unreadable as error:
            self._refuse(place, "value", str(error))
            return None

    def _take_one(self) -> None:
        self._count += 1
        if self._count > MAX_FILTERS:
            raise Problem(422, "limit", f"More than {MAX_FILTERS} filters.")

    def _field(self, place: str, name: str) -> tuple[ResolvedPath, Op] | None:
        """The field and the operator that a filter's name means; None where it is refused."""
        dotted, op = name, Op.EQ
        resolved = resolve_path(self._bindings, self._binding, name)
        if resolved is None and (parts := split_operator(name)) is not None:
            dotted, op = parts
            resolved = resolve_path(self._bindings, self._binding, dotted)
        if resolved is None:
            self._refuse(place, "unknown", "is not a parameter here")
            return None
        if op not in operators_of(resolved.field):
            self._refuse(place, "operator", f"does not fit {described(resolved.field)}")
            return None
        self.visits.extend((place, binding) for binding in resolved.visits)
        return resolved, op

    def _one_of(self, name: str, resolved: ResolvedPath, text: str) -> None:
        """One of these values; a list given in several parameters of one name is one list."""
        place, values = self._lists.get(name, (len(self._conditions), ()))
        values += values_of(resolved, text)
        self._lists[name] = place, values
        self._conditions[place : place + 1] = [resolved.compare(Op.IN, values)]

    def _refuse(self, name: str, code: str, message: str) -> None:
        self._errors.append(FieldError(name, code, message))


def split_operator(name: str) -> tuple[str, Op] | None:
    """The name before an operator, and the operator; None where there is none.

    >>> split_operator("pages__gt")
    ('pages', <Op.GT: 'gt'>)
    """
    dotted, separator, suffix = name.rpartition("__")
    return (dotted, OPERATORS[suffix]) if separator and suffix in OPERATORS else None


def described(field: FieldSchema) -> str:
    """A field in words, as the end of a sentence."""
    if field.asked is Asked.NOTHING:
        return "a field that nothing may ask for"
    return f"a field that is {field.kind}" + ("" if field.asked is Asked.ORDER else ", whose values have no order")
