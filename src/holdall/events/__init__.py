"""Events: functions called for events, within the commit and after it, and what is kept of it."""

from holdall.events.audit import AuditEntry
from holdall.events.delivery import Delivered
from holdall.events.event import Event, LiveEvent
from holdall.events.outbox import Outbox, OutboxEntry

__all__ = [
    "AuditEntry",
    "Delivered",
    "Event",
    "LiveEvent",
    "Outbox",
    "OutboxEntry",
]
