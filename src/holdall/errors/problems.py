"""The codes of problem documents: statuses, meaning, and what a client does about each."""

from __future__ import annotations

import msgspec

__all__ = ["PROBLEMS", "ProblemCode"]


class ProblemCode(msgspec.Struct, frozen=True):
    """A code of problem documents, ``urn:holdall:<code>``: its statuses, its meaning and a way out.

    >>> PROBLEMS["stale"].statuses
    (409, 412)
    """

    statuses: tuple[int, ...]
    meaning: str
    way: str


def _of(*statuses: int, meaning: str, way: str) -> ProblemCode:
    return ProblemCode(statuses, meaning, way)


PROBLEMS: dict[str, ProblemCode] = {
    "answer-lost": _of(
        409,
        meaning="The request with this Idempotency-Key was done, and its answer is lost.",
        way="Read what there is.",
    ),
    "busy": _of(
        409,
        503,
        meaning="Somebody else is changing the same now; nothing was changed.",
        way="Repeat it after Retry-After.",
    ),
    "conflict": _of(
        409, meaning="The change does not go together with what is stored.", way="Read the record again and compare."
    ),
    "direct": _of(
        400, meaning="A POST to a file came without ?direct.", way="Use PUT for the content, or add ?direct."
    ),
    "encoding": _of(
        400, 415, meaning="The body is not compressed as Content-Encoding says.", way="Send it plain, or as gzip."
    ),
    "exists": _of(409, meaning="There is a record with this key.", way="PATCH that one, or choose another key."),
    "failure": _of(
        500, meaning="The service failed.", way="Give its operators the instance, by which the log has the cause."
    ),
    "forbidden": _of(403, meaning="The user may not do this.", way="Ask for the right; another login may have it."),
    "full": _of(
        507,
        meaning="The store holds as much as it may, or its disk is full; nothing was written.",
        way="Tell the operators, or remove something.",
    ),
    "http": _of(
        meaning="A route of the application refused the request.", way="Read the detail, which the route wrote."
    ),
    "idempotency-key": _of(
        400,
        422,
        meaning="The Idempotency-Key is missing, is no text, or was used for another request.",
        way="Make a new one.",
    ),
    "invalid": _of(
        422, meaning="Values break rules; errors has each with its path.", way="Correct these and send it again."
    ),
    "json": _of(400, meaning="The body is no JSON.", way="Correct the body at the place that the detail names."),
    "limit": _of(
        422,
        meaning="More is asked for, or sent, than one request may.",
        way="Ask by pages, or send it in several requests.",
    ),
    "media-type": _of(
        406,
        415,
        meaning="The body, or the answer that is wanted, is of a type that is not spoken here.",
        way="Use application/json.",
    ),
    "method": _of(405, meaning="This place does not answer this method.", way="Use one that Allow names."),
    "missing-content": _of(500, meaning="The content of a file is lost.", way="Tell the operators; upload it again."),
    "multipart": _of(
        400, meaning="The form cannot be read.", way="Send multipart/form-data with a part of JSON and the files."
    ),
    "no-thumbnail": _of(
        422,
        meaning="No thumbnail can be made of the file; the detail says why.",
        way="Show the file, or a sign for its type.",
    ),
    "not-available": _of(
        403,
        meaning="The action is not for this user, or not for these records; keys names them.",
        way="Leave these out.",
    ),
    "not-found": _of(
        404,
        meaning="There is no such record, or the user may not know of it.",
        way="Look at the address and at who you are.",
    ),
    "outcome-unknown": _of(
        503, meaning="The change may have been made: the answer of a store was lost.", way="Read before you repeat it."
    ),
    "overloaded": _of(
        503, meaning="The service answers as many requests as it may.", way="Repeat it after Retry-After."
    ),
    "partly-done": _of(
        503, meaning="Only a part of the change was made.", way="Tell the operators: holdall commits list has it."
    ),
    "patch": _of(422, meaning="The JSON Patch is none, or leads nowhere.", way="Correct the operation that is named."),
    "pending": _of(202, meaning="The change is decided and will be finished.", way="Do not repeat it."),
    "precondition": _of(
        412, meaning="The record is not as If-Match or If-None-Match demands.", way="Read it again, and decide anew."
    ),
    "precondition-required": _of(
        428, meaning="The change needs If-Match.", way="Send the ETag of the record that you read."
    ),
    "preference": _of(
        400, meaning="The header Prefer cannot be followed as it demands.", way="Send another preference."
    ),
    "query": _of(
        422, meaning="Parameters cannot be understood; errors has each.", way="Correct their names and values."
    ),
    "range": _of(
        400,
        416,
        meaning="No byte of the file is in the range, or only a range of a file was sent.",
        way="Ask for a range within Content-Range; send a file as a whole.",
    ),
    "reference": _of(
        409,
        meaning="A reference would be left without its target.",
        way="Add the target first, or remove what refers to it.",
    ),
    "refused": _of(409, meaning="A function for an event refuses the change.", way="Read the detail, which it wrote."),
    "slow": _of(408, meaning="The body did not come in time.", way="Send it faster, or in parts."),
    "stale": _of(
        409, 412, meaning="Somebody changed the record since it was read.", way="Read it again, and decide anew."
    ),
    "test": _of(409, meaning="A test of the JSON Patch fails.", way="Read the record again, and decide anew."),
    "text": _of(400, meaning="The body is no text in UTF-8.", way="Send it in UTF-8."),
    "timeout": _of(504, meaning="The store took too long.", way="Ask for less, or later."),
    "too-large": _of(413, meaning="The body is larger than it may be.", way="Send less, or in several requests."),
    "too-many-requests": _of(429, meaning="This client asks too often.", way="Repeat it after Retry-After."),
    "unauthenticated": _of(
        401, meaning="The service does not know who asks.", way="Log in, or send a token that holds."
    ),
    "unavailable": _of(503, meaning="A store cannot be reached.", way="Repeat it after Retry-After."),
    "under-way": _of(409, meaning="The same request is being answered.", way="Wait for that answer, then repeat it."),
    "unique": _of(409, meaning="Another record has this value; errors names the fields.", way="Give another value."),
    "unreadable": _of(
        500, meaning="A stored record cannot be read.", way="Give the fields that errors names new values."
    ),
    "unsupported": _of(
        422, 501, meaning="The store cannot do this.", way="Ask in another way; the detail names what is not supported."
    ),
    "upstream": _of(502, meaning="The service behind a store gave no answer that can be used.", way="Repeat it later."),
    "uri-too-long": _of(
        414, meaning="The address is longer than it may be.", way="Use a selection, or a shorter filter."
    ),
}
"""Every code, by name."""
