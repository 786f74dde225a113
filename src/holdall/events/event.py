"""Events as functions are called for them: within the commit, and after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from holdall.errors import CorruptRecord
from holdall.model import EventKind, Model
from holdall.policy import User
from holdall.query import Key, Value
from holdall.session import Binding
from holdall.session.damage import UNDECODABLE

__all__ = ["Event", "LiveEvent", "python_values"]


class LiveEvent(msgspec.Struct, frozen=True):
    """One record that a commit is about to create, change or delete, told before the commit decides.

    ``old`` and ``new`` are values by field: of a change in the changed fields, else in all; references stand as keys.
    ``session`` is that of the commit: what is changed in it goes into the same commit. A function that is not async
    gets a ``SyncSession``. ``key`` is None while the store has yet to make it.

    >>> from holdall import Holdall, Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> @app.on(Book.changed("status"))
    ... async def check(event: LiveEvent) -> None:
    ...     print(event.kind, event.key, dict(event.old), dict(event.new), event.user.id)
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         book = session.add(Book(id=7))
    ...         await session.commit()
    ...         book.status = "out"
    >>> import asyncio
    >>> asyncio.run(example())
    changed 7 {'status': 'draft'} {'status': 'out'} system
    """

    kind: EventKind
    model: Value
    collection: str
    key: Key
    record: Value
    old: Mapping[str, Value]
    new: Mapping[str, Value]
    user: User
    session: Value
    context: Value
    request_id: str | None


class Event(msgspec.Struct, frozen=True):
    """One record that was created, changed or deleted, told after the commit, at least once.

    ``id`` is the same each time that the event is delivered. ``old`` and ``new`` are as those of ``LiveEvent``, without
    the values of secrets. ``user_id`` says who did it, and ``commit`` is the same for all events of one commit.

    >>> import datetime as dt
    >>> moment = dt.datetime.now(dt.UTC)
    >>> event = Event("0198", EventKind.CREATED, Model, "book", 7, ("id",), {}, {"id": 7}, "ann", None, "0197", moment)
    >>> event.kind, event.attempt
    (<EventKind.CREATED: 'created'>, 1)
    """

    id: str
    kind: EventKind
    model: type[Model]
    collection: str
    key: Key
    fields: tuple[str, ...]
    old: Mapping[str, Value]
    new: Mapping[str, Value]
    user_id: Value
    request_id: str | None
    commit: str
    at: dt.datetime
    attempt: int = 1


def python_values(binding: Binding, values: Mapping[str, Value]) -> dict[str, Value]:
    """Border values as records have them; references stay keys.

    Raises CorruptRecord where the model cannot hold some of them, as it was another one when they were written.
    Example: :class:`Event`.
    """
    found, unknown = {}, list[str]()
    for name, value in values.items():
        known = binding.declaration.by_name.get(name)
        decode = None if known is None or known.type is None else known.type.decode
        try:
            found[name] = value if decode is None or value is None or isinstance(value, Model) else decode(value)
        except UNDECODABLE:
            unknown.append(name)
    if unknown:
        reasons = dict.fromkeys(unknown, "is told as something that the model does not know")
        reason = "; ".join(f"{name} {each}" for name, each in reasons.items())
        place = f"an event of {binding.collection}"
        raise CorruptRecord(binding.store.name, place, reason, fields=unknown, reasons=reasons)
    return found
