"""Commands shown to an observer, as the driver sends them: their form without values."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from holdall.query import Value
from holdall.store import Seam

__all__ = ["Commands", "form_of"]

_BESIDE = frozenset(
    (
        *("lsid", "txnNumber", "autocommit", "startTransaction", "readConcern", "writeConcern", "apiVersion"),
        *("maxTimeMS", "ordered", "allowDiskUse"),
    )
)
"""Parts of commands that say nothing of what is asked."""

_MOST_PENDING = 10_000
_MOST_PARTS = 40  # of one document


class Commands(CommandListener):
    """Shows each command of a client when its answer has come."""

    def __init__(self, seam: Seam) -> None:
        self._seam = seam
        self._pending: dict[int, tuple[str, Mapping[str, Value]]] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Remember the command until its answer comes."""
        if len(self._pending) >= _MOST_PENDING:
            self._pending.clear()
        self._pending[event.request_id] = form_of(event.command), event.command

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Show it with the number of documents given or written."""
        reply = event.reply
        cursor = reply.get("cursor")
        rows = reply.get("n")
        if isinstance(cursor, Mapping):
            rows = len(cursor.get("firstBatch", cursor.get("nextBatch", ())))
        self._show(event, rows, None)

    def failed(self, event: CommandFailedEvent) -> None:
        """Show it with the name of the error."""
        self._show(event, None, str(event.failure.get("codeName") or event.failure.get("code") or "failed"))

    def _show(self, event: CommandSucceededEvent | CommandFailedEvent, rows: int | None, error: str | None) -> None:
        form, command = self._pending.pop(event.request_id, (event.command_name, {}))
        self._seam.show(form, event.duration_micros / 1e6, rows, command, error)


def form_of(command: Mapping[str, Value]) -> str:
    """A command with a question mark in place of each value.

    >>> form_of({"find": "book", "filter": {"pages": {"$gt": 100}}, "limit": 20, "$db": "library"})
    'find book filter {pages: {$gt: ?}} limit ?'
    """
    ((verb, target), *rest) = command.items()
    words = [str(verb)]
    if isinstance(target, str):
        words.append(target)
    for name, value in rest:
        if name not in _BESIDE and not name.startswith("$"):
            words.append(f"{name} {_form(value)}")
    return " ".join(words)


def _form(value: object) -> str:
    if isinstance(value, Mapping):
        parts = [f"{name}: {_form(item)}" for name, item in list(value.items())[:_MOST_PARTS]]
        return "{" + ", ".join(parts) + ("}" if len(value) <= _MOST_PARTS else ", …}")
    if isinstance(value, list | tuple):
        first = f"{_form(value[0])}" if value else ""
        return f"[{first}{f', … {len(value)}' if len(value) > 1 else ''}]"
    return "?"
