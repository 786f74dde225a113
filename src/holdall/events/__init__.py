"""Events: functions called for events, within the commit and after it, and what is kept of it."""

from holdall.events.audit_entry import AuditEntry
from holdall.events.delivery import Delivered
from holdall.events.event import Event, LiveEvent
from holdall.events.history import Difference, RecordChange, as_of, history, restore
from holdall.events.outbox import Outbox, OutboxEntry

__all__ = [
    "AuditEntry",
    "Delivered",
    "Difference",
    "Event",
    "LiveEvent",
    "Outbox",
    "OutboxEntry",
    "RecordChange",
    "as_of",
    "history",
    "restore",
]
