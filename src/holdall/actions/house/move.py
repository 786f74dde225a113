"""The action of the house that moves a record in its list."""

from __future__ import annotations

from typing import Literal, TypeVar

from holdall.actions.action import Action
from holdall.actions.on import One
from holdall.errors import FieldError, StateError, ValidationError
from holdall.model import Model, Record, check, field
from holdall.service import Context

__all__ = ["Move"]

M = TypeVar("M", bound=Model)


class Move(Action[M], on=One):
    """Move a record of an ordered list before or after another, or to its beginning or end.

    ``app.add_action(Move[Task])``; the others are named by their keys, as in a path.

    >>> from holdall import Ordered
    >>> class Task(Ordered):
    ...     id: int = field(pk=True)
    >>> from holdall.actions.house import Move
    >>> app = Holdall("tasks")
    >>> app.add_store("main", "memory:")
    >>> app.add(Task, store="main")
    >>> app.add_action(Move[Task])
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add_all([Task(id=1), Task(id=2), Task(id=3)])
    ...     async with app.session() as session:
    ...         await session.act(Move[Task](before="1"), await session.require(Task, 3))
    ...         return [task.id for task in await session.query(Task.in_order())]
    >>> import asyncio
    >>> asyncio.run(example())
    [3, 1, 2]
    """

    before: str | None = field(default=None, description="the key of the record that it is to come before")
    after: str | None = field(default=None, description="the key of the record that it is to come after")
    to: Literal["first", "last"] | None = field(default=None, description="the end of the list that it is to be at")

    @check
    def one_place(self) -> str | None:
        """Refuse none and several."""
        is_one = sum(each is not None for each in (self.before, self.after, self.to)) == 1
        return None if is_one else "takes one of before, after and to"

    async def run(self, context: Context, record: M) -> None:
        """Move it. Raises ValidationError where the record cannot be put there."""
        before = None if self.before is None else await self._found(context, record, "before", self.before)
        after = None if self.after is None else await self._found(context, record, "after", self.after)
        try:
            await context.session.move(record, before=before, after=after, to=self.to)
        except StateError as error:  # of the records that the inputs name: the record itself, or one of another list
            raise ValidationError(type(self).__name__, [FieldError("", "place", str(error))]) from error

    async def _found(self, context: Context, record: M, name: str, text: str) -> Record:
        binding = context.session.context.bindings.of_model(type(record))
        parts = text.split(",") if len(binding.schema.key) > 1 else [text]
        found = None
        if len(parts) == len(binding.schema.key):
            key = binding.key_of_texts(parts)
            found = await context.session.get(type(record), *(key if isinstance(key, tuple) else (key,)))
        if found is None:
            told = f"refers to a record of {binding.collection} that does not exist"
            raise ValidationError(type(self).__name__, [FieldError(name, "reference", told)])
        return found
