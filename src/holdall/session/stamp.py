"""The value of a stamp: the moment or the user of a commit, as a field keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from holdall.errors import FieldError, ValidationError
from holdall.model import Field
from holdall.policy import User
from holdall.query import Kind, Value
from holdall.session.binding import Binding

__all__ = ["deletion_slots", "stamp_of"]


def stamp_of(binding: Binding, field: Field, user: User, now: datetime) -> Value:
    """The value that a field takes from a commit of this user, at this moment, as exactly as its store tells moments.

    Raises ValidationError for a field that must have a user where there is none, or none with an id that fits.
    """
    if field.options.auto_user is not None:
        errors: list[FieldError] = []
        found = None if user.id is None else field.validate(user.id, errors)
        if errors or (found is None and not field.nullable):
            refusal = FieldError(field.name, "required", "is the user of the commit, and that has no id which fits")
            if not field.nullable:
                raise ValidationError(binding.model.__name__, [refusal])
            return None
        return found
    if field.kind is not Kind.DATETIME:
        return now.date()
    step = binding.store.capabilities.limits.moment_step
    return now.replace(microsecond=now.microsecond // step * step)


def deletion_slots(binding: Binding, user: User) -> dict[Field, Value]:
    """The values of the fields that tell when and by whom a record was deleted, at this moment."""
    now = datetime.now(UTC)
    stamps = [field for field in binding.declaration.stamps if field.options.stamped_on == "delete"]
    return {field: stamp_of(binding, field, user, now) for field in stamps}
