"""Events: functions told of what happens to records, within the commit and after it, and what is kept of it."""

from holdall.events.delivery import Delivered
from holdall.events.event import Event, LiveEvent
from holdall.events.handler import Consumer, Handler, demand_triggers
from holdall.events.listeners import Listeners
from holdall.events.outbox import Outbox, OutboxEntry
from holdall.events.worker import Worker

__all__ = [
    "Consumer",
    "Delivered",
    "Event",
    "Handler",
    "Listeners",
    "LiveEvent",
    "Outbox",
    "OutboxEntry",
    "Worker",
    "demand_triggers",
]
