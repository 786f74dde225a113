"""Drafts: texts that were typed when a session was over, kept in the page to log in and shown again after it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from holdall.admin.gate import FORM_TOKEN
from holdall.admin.visit import Visit
from holdall.web.asgi import Message

__all__ = ["RESUMED", "draft_inputs", "draft_of", "read_form"]

RESUMED = "_resumed"
"""The input of a form that shows a draft again, and writes nothing."""

_MOST_INPUTS = 2_000
_MOST_FILES = 50


async def read_form(visit: Visit, most: int) -> FormData:
    """Read a form of at most ``most`` bytes; large files are put aside. Raises HTTPException (413) for more."""
    room, receive = most, visit.request.receive

    async def bounded() -> Message:
        nonlocal room
        message = await receive()
        room -= len(message.get("body", b""))
        if room < 0:
            raise HTTPException(413, "The form is too large.")
        return message

    read = Request(visit.request.scope, bounded)
    form = await read.form(max_files=_MOST_FILES, max_fields=_MOST_INPUTS, max_part_size=most)
    visit.forms.append(form)
    return form


async def draft_of(visit: Visit, most: int) -> str:
    """The texts of a form, as one text, without its token; nothing where it is too large."""
    try:
        form = await read_form(visit, most)
    except HTTPException:
        return ""
    typed = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    return urlencode([(name, value) for name, value in typed if name not in (FORM_TOKEN, "password")])


def draft_inputs(draft: str) -> Iterator[tuple[str, str]]:
    """The names and texts of a draft."""
    yield from parse_qsl(draft, keep_blank_values=True, max_num_fields=_MOST_INPUTS)
