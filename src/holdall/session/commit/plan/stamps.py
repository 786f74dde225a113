"""The stamps of a commit: its moment, and its user, in the fields of records that ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from holdall.model import Field, Model, Record, is_soft_deleted, old_values_of, turns_deletion
from holdall.policy import User
from holdall.query import Value
from holdall.session.bindings import Bindings
from holdall.session.stamp import stamp_of

__all__ = ["put_stamps"]


def put_stamps(
    bindings: Bindings, user: User, new: list[Record], dirty: list[Record], models: Iterable[type[Model]]
) -> Iterator[tuple[Record, Field, Value]]:
    """Put the moment and the user of this commit into the fields that ask for them.

    Yields new records with the fields that had no value and the one they have now, which they lose again where the
    commit does not come about or is planned anew.
    Raises ValidationError as ``stamp_of`` does.
    """
    stamped = {model: bindings.of_model(model) for model in models if model.__holdall__.stamps}
    now = datetime.now(UTC)
    for record in new if stamped else ():
        for field in record.__holdall__.stamps:
            is_given = field.get(record) is not None
            if field.options.stamped_on == "delete":
                continue
            if field.options.stamped_on == "write" or not is_given:
                field.put(record, stamp_of(stamped[type(record)], field, user, now))
            if not is_given:
                yield record, field, field.get(record)
    for record in dirty if stamped else ():
        (old,) = old_values_of([record])
        turns = turns_deletion(record, old)
        is_deleted = turns and is_soft_deleted(record)
        for field in record.__holdall__.stamps:
            if field.options.stamped_on == "write" or (turns and field.options.stamped_on == "delete"):
                old.setdefault(field.name, field.get(record))
                is_emptied = field.options.stamped_on == "delete" and not is_deleted
                field.put(record, None if is_emptied else stamp_of(stamped[type(record)], field, user, now))
