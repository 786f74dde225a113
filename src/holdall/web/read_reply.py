"""Answers to reads: whole, or only that nothing has changed (RFC 9110, section 13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from holdall.web.asgi import NAME, Scope, header_list
from holdall.web.conditional import (
    NOT_MET,
    is_unmodified,
    last_modified,
    meets_if_match,
    meets_if_none_match,
    tag_of_body,
)
from holdall.web.reply import Reply, tagged_reply, unchanged_reply
from holdall.web.view import CollectionView

__all__ = ["conditional", "is_dated", "record_reply"]

_OF_TAGS = frozenset((b"if-match", b"if-none-match"))


def record_reply(scope: Scope, body: bytes, moment: datetime | None, *, is_dated: bool) -> Reply:
    """The answer to a read of one record, which was last written at this moment, if that is told.

    Where the answer is not ``is_dated`` by it, the date does not tell whether the answer is the same, and the tag does.
    """
    if moment is None:
        return conditional(scope, body)
    if is_unmodified(scope, moment, b"if-unmodified-since", b"if-match") is False:
        raise NOT_MET
    reply = conditional(scope, body)
    if is_dated and reply.status == 200 and is_unmodified(scope, moment, b"if-modified-since", b"if-none-match"):
        reply = unchanged_reply(tag_of_body(body))
    reply.headers.extend(last_modified(moment))
    return reply


def is_dated(view: CollectionView, names: Collection[str] | None) -> bool:
    """Whether these values change only when the record is written: they are stored, and shown to every reader."""
    if view.hides:
        return False
    return not view.is_computing or (names is not None and view.declaration.computed.keys().isdisjoint(names))


def conditional(scope: Scope, body: bytes) -> Reply:
    """The answer to a read: whole, or 304 or 412 where If-None-Match or If-Match says so, by the tag of the body.

    Raises Problem (412) for If-Match.
    """
    tag = tag_of_body(body)
    if _OF_TAGS.isdisjoint(map(NAME, scope["headers"])):
        return tagged_reply(body, tag)
    demanded, condition = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if demanded is not None and not meets_if_match(demanded, tag):
        raise NOT_MET
    if condition is not None and not meets_if_none_match(condition, tag):
        return unchanged_reply(tag)
    return tagged_reply(body, tag)
