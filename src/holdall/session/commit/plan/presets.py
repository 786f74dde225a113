"""Values that the policy gives new records, and fields to which users may not give any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdall.errors import FieldError, ValidationError
from holdall.model import Field, Record
from holdall.policy import Right, User, bound
from holdall.query import NEVER, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings

__all__ = ["apply_presets", "read_only_fields"]


def apply_presets(bindings: Bindings, user: User, new: Iterable[Record], *, is_trusted: bool = False) -> None:
    """Give new records the values that their policies preset.

    Raises ValidationError for a value that the user may not give: another than the preset, or than the default; not
    where the program ``is_trusted`` with what it gives for him.
    """
    errors, names, records = list[FieldError](), set[str](), list(new)
    for number, record in enumerate(records):
        binding = bindings.of_model(type(record))
        if not binding.policy.has_fields:
            continue
        found = _preset(binding, user, record, is_trusted=is_trusted)
        if found:
            place = f"{binding.collection}[{number}]." if len(records) > 1 else ""
            errors += [FieldError(place + error.path, error.code, error.message) for error in found]
            names.add(type(record).__name__)
    if errors:
        raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)


def read_only_fields(binding: Binding, user: User, *, is_new: bool) -> dict[str, FieldError]:
    """The fields that the user may give no value, each with its refusal; hidden ones are as if they were not there.

    Example: :class:`Policy`.
    """
    policy = binding.policy
    if user.unrestricted or not policy.has_fields:
        return {}
    parts = policy.parts(Right.CREATE if is_new else Right.UPDATE, user)
    hidden, found = policy.hidden(user), dict[str, FieldError]()
    for name in {name for part, _ in parts for name in part.fields}:
        rules = [part.fields[name].rule(is_new=is_new) if name in part.fields else None for part, _ in parts]
        if all(rule is not None and bound(rule, user) == NEVER for rule in rules):
            found[name] = unknown_field(name) if name in hidden else FieldError(name, "read_only", "cannot be given")
    return found


def unknown_field(name: str) -> FieldError:
    """The refusal of a name that no field has."""
    return FieldError(name, "unknown", "is not a field")


def _preset(binding: Binding, user: User, record: Record, *, is_trusted: bool) -> list[FieldError]:
    presets = binding.policy.presets(user, is_trusted=is_trusted)
    refused = {} if is_trusted else read_only_fields(binding, user, is_new=True)
    errors = list[FieldError]()
    for name in sorted({*presets, *refused}):
        field = binding.declaration.by_name[name]
        value = field.get(record)
        is_given = not (field.has_default and _is_same(field, value, field.default()))
        if name in presets:
            wanted = _slot(field, presets, errors)
            if is_given and name in refused and not _is_same(field, value, wanted):
                errors.append(refused[name])
            elif name in refused or not is_given:
                field.put(record, wanted)
        elif is_given:
            errors.append(refused[name])
    return errors


def _slot(field: Field, presets: Mapping[str, Value], errors: list[FieldError]) -> Value:
    value = presets[field.name]
    return None if value is None and field.nullable else field.validate(value, errors)


def _is_same(field: Field, one: Value, other: Value) -> bool:
    return one is other or bool(field.encode(one) == field.encode(other))
