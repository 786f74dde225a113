"""Whether events of a function can be delivered now, asked without its lease."""

from __future__ import annotations

import datetime as dt

from holdall.events.outbox_row import rows_of
from holdall.events.rows import RowBinding
from holdall.query import Compare, Key, Op

__all__ = ["is_any_due"]

_PAGE = 200


async def is_any_due(outbox: RowBinding, handler: str) -> bool:
    """Whether there is an event for a function that waits neither for its next try nor for an earlier one of its
    record.

    Raises what the store raises.
    """
    own = Compare(("handler",), Op.EQ, handler), Compare(("is_dead",), Op.EQ, False)
    now, after, held_up = dt.datetime.now(dt.UTC), 0, set[Key]()
    while rows := await rows_of(outbox, *own, after=after, limit=_PAGE):
        for waiting in [each for row in rows for each in row.waiting() if not each.is_dead]:
            subject = waiting.subject
            if subject in held_up:
                continue
            if waiting.due is None or waiting.due <= now:
                return True
            held_up.add(subject)
        after = rows[-1].id
    return False
