"""Answers to writes of one record: the record as it is now, or nothing of it where nothing is wanted."""

from __future__ import annotations

from holdall.web.asgi import Header
from holdall.web.conditional import tag_of_body
from holdall.web.preferences import Preferences
from holdall.web.reply import Reply, json_reply

__all__ = ["written_reply"]


def written_reply(status: int, shown: bytes, preferences: Preferences, *headers: Header) -> Reply:
    """The answer with the record and its tag; with ``return=minimal`` the tag alone, and 204 in the place of 200."""
    tag = (b"etag", tag_of_body(shown))
    if not preferences.is_minimal:
        return json_reply(status, shown, *headers, tag, *preferences.headers)
    told = [*headers, tag, *preferences.headers]
    return Reply(204, told) if status == 200 else Reply(status, [(b"content-length", b"0"), *told])
