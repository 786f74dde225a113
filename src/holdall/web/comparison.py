"""From a filter's text to a condition: a value of the field's type, an operator, a path."""

from __future__ import annotations

import msgspec

from holdall.errors import LimitExceeded, QueryError, ValidationError
from holdall.model import Field, decode_compared
from holdall.query import Condition, Kind, Not, Op, Value
from holdall.web.path import ResolvedPath
from holdall.web.text_value import Unreadable, flag_of, items_of, value_of

__all__ = ["comparison", "searched", "values_of"]

_TEXT = frozenset({Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH})


def comparison(resolved: ResolvedPath, op: Op, text: str) -> Condition:
    """The condition that a filter of one value means; raises Unreadable for a value that does not fit the field."""
    if op is Op.IS_NULL:
        yes = flag_of(text)
        return _emptiness(resolved, yes) if resolved.is_many else resolved.compare(op, yes)
    if op in _TEXT:
        return resolved.compare(op, value_of(msgspec.structs.replace(resolved.field, choices=None), text))
    value = value_of(resolved.field, text)
    return resolved.compare(op, _as_kept(resolved, value))


def searched(model: Value, words: str) -> Condition:
    """The condition that words are found in a model's texts; raises Unreadable for what cannot be searched for."""
    try:
        found: Condition = model.search(words)
    except LimitExceeded as error:
        raise Unreadable(f"must not have more than {error.maximum} {error.limit}") from None
    except QueryError:
        raise Unreadable("must have at least one word: letters or digits") from None
    return found


def values_of(resolved: ResolvedPath, text: str) -> tuple[Value, ...]:
    """The values in a list; raises Unreadable where one does not fit the field."""
    field = resolved.field
    if field.kind is not Kind.JSON:
        return tuple([_as_kept(resolved, value_of(field, item)) for item in items_of(text)])
    values = value_of(field, text)
    if not isinstance(values, list):
        raise Unreadable("must be a JSON array")
    return tuple([_typed(resolved, value) for value in values])


def _as_kept(resolved: ResolvedPath, value: Value) -> Value:
    """The value as the field would keep it; one of an own type may be written in several ways."""
    if resolved.field.kind is Kind.JSON:
        return _typed(resolved, value)
    field = _field(resolved)
    if field.type is None or field.type.own is None or field.type.decode is None:
        return value
    try:
        return field.encode(field.type.decode(value))
    except ValueError:
        raise Unreadable("must be a value of the field") from None


def _field(resolved: ResolvedPath) -> Field:
    found = resolved.owner.declaration.reference(resolved.field.name)
    assert found is not None
    return found


def _typed(resolved: ResolvedPath, value: Value) -> Value:
    """A value of JSON as the field would keep it, so that it is compared with values of the same type."""
    if value is None:
        raise Unreadable("must not be null; isnull asks for that")
    try:
        return decode_compared(_field(resolved), value)
    except ValidationError as error:
        _, _, place = error.errors[0].path.partition(".")
        raise Unreadable(f"{place} {error.errors[0].message}".strip()) from None


def _emptiness(resolved: ResolvedPath, yes: bool) -> Condition:
    """Whether any record is reached through the Manys where the field has a value."""
    some = resolved.compare(Op.IS_NULL, False)
    return Not(some) if yes else some
