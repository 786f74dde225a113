"""The answer that a thumbnail is: ``GET /books/7/cover?thumbnail=small``."""

from __future__ import annotations

from holdall.errors import FieldError
from holdall.files import File, FileCodec, Thumbnails
from holdall.web.asgi import Scope, header_list
from holdall.web.attachments.file_reply import NO_FILE, headers_of
from holdall.web.conditional import NOT_MET, meets_if_match, meets_if_none_match
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.reply import Reply, unchanged_reply

__all__ = ["thumbnail_of", "thumbnail_reply"]


def thumbnail_of(scope: Scope, thumbnails: Thumbnails) -> str:
    """Return the thumbnail that a query string names. Raises Problem (422) for one that is not declared, with those
    that are, and for any other parameter.
    """
    given = parameters_of(scope["query_string"])
    errors = [unknown_parameter(name) for name, _ in given if name != "thumbnail"]
    wanted = [value for name, value in given if name == "thumbnail"]
    if not errors and (len(wanted) != 1 or wanted[0] not in thumbnails.names):
        errors.append(FieldError("thumbnail", "one_of", f"must be one of {', '.join(thumbnails.names)}"))
    if errors:
        raise not_understood(errors)
    return wanted[0]


async def thumbnail_reply(scope: Scope, file: File | None, rule: FileCodec, name: str) -> Reply:
    """Answer a GET or HEAD. Raises Problem without a file (404) and for another state than the request expects (412),
    NoThumbnail where none can be made, FileMissing where the content is lost.
    """
    if file is None or file.body.facts is None:
        raise NO_FILE
    tag = b'"%b"' % rule.thumbnails.tag(file.body.facts, name).encode()
    if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if if_match is not None and not meets_if_match(if_match, tag):
        raise NOT_MET
    if if_none_match is not None and not meets_if_none_match(if_none_match, tag):
        return unchanged_reply(tag)
    found = await file.thumbnail(name)
    headers = [*headers_of(found.type, "", tag), (b"content-length", b"%d" % len(found.content))]
    return Reply(200, headers, found.content if scope["method"] == "GET" else b"")
