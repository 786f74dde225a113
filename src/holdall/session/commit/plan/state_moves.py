"""The moves of records between the states that their models declare: which are refused, and what guards the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdall.errors import FieldError
from holdall.model import Field, Model, Record, State, old_of, state_of
from holdall.policy import User
from holdall.query import Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.guards import expected_of
from holdall.store import Damaged, Expected

__all__ = ["guards_of_states", "refused_moves"]


def refused_moves(
    binding: Binding, user: User, record: Record, moving: Mapping[int, dict[str, Value]]
) -> list[FieldError]:
    """The moves of a changed record that no transition allows; ``moving`` has the old values of those that get
    another key, which are not new.

    A value that could not be read may become any.
    """
    hidden = binding.policy.hidden(user)
    errors = []
    for field in binding.declaration.machines:
        transitions, now = field.options.transitions, field.get(record)
        assert transitions is not None
        if state_of(record) is State.NEW and id(record) not in moving:
            if not transitions.begins(now):
                told = "" if field.name in hidden else _listed(": a new one is ", transitions.table.get(None, ()))
                message = f"is no state in which a new record may be{told}"
                errors.append(FieldError(field.name, "transition", message))
            continue
        old = (moving.get(id(record)) or old_of(record)).get(field.name, now)
        if not isinstance(old, Damaged) and not transitions.allows(old, now):
            errors.append(_refusal(field, old, now, is_told=field.name not in hidden))
    return errors


def guards_of_states(
    bindings: Bindings, dirty: Iterable[Record], models: Iterable[type[Model]]
) -> dict[int, tuple[Record, Expected]]:
    """The old states of records that move, as what their stores must still have, by the identity of the record.

    A record with a version is guarded by that; a store that compares nothing takes the last of two moves.
    """
    chosen = {}
    for model in models:
        binding = bindings.of_model(model)
        if binding.declaration.machines and binding.declaration.version is None and binding.can_expect:
            chosen[model] = binding
    if not chosen:
        return {}
    found: dict[int, tuple[Record, Expected]] = {}
    for record in dirty:
        guarding = chosen.get(type(record))
        if guarding is None or state_of(record) is not State.DIRTY:
            continue
        old = old_of(record)
        names = [
            field.name
            for field in guarding.declaration.machines
            if field.name in old and not isinstance(old[field.name], Damaged)
        ]
        if names:
            found[id(record)] = record, expected_of(guarding, record, names)
    return found


def _refusal(field: Field, old: Value, now: Value, *, is_told: bool) -> FieldError:
    transitions, told = field.options.transitions, ""
    if is_told and transitions is not None:
        told = f": {_name(old)} to {_name(now)}" + _listed("; it may become ", transitions.table.get(old, ()))
    return FieldError(field.name, "transition", f"is no transition of this field{told}")


def _listed(words: str, states: Iterable[Value]) -> str:
    names = ", ".join(map(_name, states))
    return words + names if names else ""


def _name(state: Value) -> str:
    return str(getattr(state, "value", state)) if state is not None else "none"
