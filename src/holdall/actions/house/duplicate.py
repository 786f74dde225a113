"""The action of the house that makes copies of records."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import TypeVar

from holdall.actions.action import Action
from holdall.actions.on import Each
from holdall.errors import FieldError, ValidationError
from holdall.model import JSON, Field, Frozen, Model, Record, field
from holdall.service import Context
from holdall.session import Binding, read_only_fields

__all__ = ["Duplicate"]

M = TypeVar("M", bound=Model)


class Duplicate(Action[M], on=Each):
    """Make a copy of a record, with other values for some fields.

    ``app.add_action(Duplicate[Book])``. Keys and versions that the store makes are new, and what the user may not read
    or give is as in any new record. ``changes`` are in the form that JSON has; unique values, and keys that clients
    choose, must be among them. Gives the copy.

    >>> class Book(Model):
    ...     id: int = field(pk=True, generated=True)
    ...     title: str
    ...     pages: int = 0
    >>> from holdall.actions.house import Duplicate
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_action(Duplicate[Book])
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add(Book(title="Emma", pages=300))
    ...         await session.commit()
    ...         print(await session.act(Duplicate[Book](changes={"title": "Emma (2)"}), await session.require(Book, 1)))
    >>> import asyncio
    >>> asyncio.run(example())
    Book(id=2, title='Emma (2)', pages=300)
    """

    changes: JSON = field(default_factory=dict, description="values for fields of the copy")

    async def run(self, context: Context, record: M) -> M:
        """Make the copy. Raises ValidationError for values that its fields refuse."""
        session = context.session
        binding = session.context.bindings.of_model(type(record))
        refused = read_only_fields(binding, session.user, is_new=True)
        hidden = binding.hidden(session.user)
        values = {
            each.name: deepcopy(each.get(record)) if each in binding.declaration.mutable else each.get(record)
            for each in _copied(binding)
            if each.name not in refused and each.name not in hidden
        }
        if not isinstance(self.changes, dict):
            errors = [FieldError("changes", "type", "must be a JSON object")]
            raise ValidationError(type(self).__name__, errors)
        try:
            values |= binding.declaration.json_input.without(hidden, refused).values_from(self.changes)
            made: Record = binding.model(**values)
        except ValidationError as error:
            errors = [FieldError(f"changes.{each.path}".rstrip("."), each.code, each.message) for each in error.errors]
            raise ValidationError(type(self).__name__, errors) from error
        added: M = session.add(made)
        return added


def _copied(binding: Binding) -> Iterable[Field]:
    """The fields whose values a copy has: those that anybody could give a new record, but for its key."""
    given = binding.declaration.json_input.names
    for each in binding.declaration.stored:
        is_key = each in binding.declaration.key
        if each.name in given and not is_key and not each.frozen & Frozen.CREATE and each.options.back is None:
            yield each
