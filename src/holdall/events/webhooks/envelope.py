"""The envelope of an event: CloudEvents 1.0 in the JSON format, structured mode."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from holdall.events.event import Event
from holdall.events.json_values import key_text, shown_values
from holdall.model.json_output import encode_hook

__all__ = ["MEDIA_TYPE", "envelope"]

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode


def envelope(event: Event, source: str, fields: Collection[str] | None = None) -> bytes:
    """Return an event as a CloudEvents 1.0 document, with these fields of its record, or all that it has.

    The type is ``book.changed``, the subject the key as text; ``source`` and ``id`` together are the same for each
    delivery of one event. Source: CloudEvents 1.0.2, JSON format.

    >>> import datetime as dt
    >>> from holdall.model import EventKind
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = ""
    >>> moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    >>> event = Event("e1", EventKind.CHANGED, Book, "book", 7, ("status",), {"status": "in"}, {"status": "out"},
    ...     "ann", None, "c1", moment)
    >>> sorted(msgspec.json.decode(envelope(event, "/library")))
    ['commit', 'data', 'datacontenttype', 'id', 'source', 'specversion', 'subject', 'time', 'type']
    >>> msgspec.json.decode(envelope(event, "/library"))["data"]
    {'key': 7, 'fields': ['status'], 'old': {'status': 'in'}, 'new': {'status': 'out'}}
    """
    shown = event.fields if fields is None else [name for name in event.fields if name in fields]
    return _encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": source,
            "type": f"{event.collection}.{event.kind.value}",
            "subject": key_text(event.key),
            "time": event.at,
            "datacontenttype": "application/json",
            "commit": event.commit,
            "data": {
                "key": event.key,
                "fields": list(shown),
                "old": shown_values(event.model, event.old, fields),
                "new": shown_values(event.model, event.new, fields),
            },
        }
    )
