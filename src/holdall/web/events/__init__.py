"""Server-sent events of collections: who follows one is told what happens to the records that he may see."""

from holdall.web.events.stream import EVENTS, Streams

__all__ = ["EVENTS", "Streams"]
