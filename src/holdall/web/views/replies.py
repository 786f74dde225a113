"""Answers to requests of REST views: as their methods ask for, as far as clients want to see it, or the plan of a
rehearsal.
"""

from __future__ import annotations

import msgspec

from holdall.query import Value
from holdall.session import Session
from holdall.web.asgi import Scope
from holdall.web.preferences import Preferences
from holdall.web.rehearsal import rehearse
from holdall.web.reply import PLAN, Reply, json_reply
from holdall.web.views.answers import RecordResponse, ResponseShape

__all__ = ["planned", "reply_to"]

_OF_BODIES = (b"content-type", b"content-length", b"x-content-type-options")


async def planned(view: Value, session: Session) -> Reply:
    """The answer to a rehearsal: the plan of what its method would have committed."""
    plan = await rehearse(session) if view.writes.plan is None else view.writes.plan
    return json_reply(200, msgspec.json.encode(plan), *view.writes.preferences.headers, media_type=PLAN)


async def reply_to(view: Value, scope: Scope, session: Session, found: RecordResponse) -> Reply:
    """The answer that a method has asked for, written."""
    preferences = view.writes.preferences
    if found.shape is ResponseShape.BULK:
        reply: Reply = await view.serving.many.reply(scope, session, found.found, preferences)
        return reply
    reply = await view.serving.reply(scope, session, found, view.get_relationship_loader_options(), view.asked)
    return _preferred(reply, preferences)


def _preferred(reply: Reply, preferences: Preferences) -> Reply:
    """The answer without its body where that is not wanted, and with what was followed."""
    if not preferences.is_minimal:
        reply.headers.extend(preferences.headers)
        return reply
    headers = [item for item in reply.headers if item[0] not in _OF_BODIES] + preferences.headers
    if reply.status == 200:
        return Reply(204, headers)
    length = [] if reply.status == 204 else [(b"content-length", b"0")]
    return Reply(reply.status, [*length, *headers])
