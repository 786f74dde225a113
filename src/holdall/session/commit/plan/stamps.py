"""The stamps of a commit: its moment, and its user, in the fields of records that ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from holdall.errors import FieldError, ValidationError
from holdall.model import Field, Model, Record, old_values_of
from holdall.policy import User
from holdall.query import Kind, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings

__all__ = ["put_stamps", "stamp_of"]


def put_stamps(
    bindings: Bindings, user: User, new: list[Record], dirty: list[Record], models: Iterable[type[Model]]
) -> Iterator[tuple[Record, Field]]:
    """Put the moment and the user of this commit into the fields that ask for them.

    Yields new records with the fields that had no value, which lose it again where the commit does not come about.
    Raises ValidationError as ``stamp_of`` does.
    """
    stamped = {model: bindings.of_model(model) for model in models if model.__holdall__.stamps}
    now = datetime.now(UTC)
    for record in new if stamped else ():
        for field in record.__holdall__.stamps:
            is_given = field.get(record) is not None
            if field.options.stamped_on == "write" or not is_given:
                field.put(record, stamp_of(stamped[type(record)], field, user, now))
            if not is_given:
                yield record, field
    for record in dirty if stamped else ():
        for field in record.__holdall__.stamps:
            if field.options.stamped_on == "write":
                old_values_of([record])[0].setdefault(field.name, field.get(record))
                field.put(record, stamp_of(stamped[type(record)], field, user, now))


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
