"""Media types by content alone: what a client says of a file is never believed."""

from __future__ import annotations

import re
from functools import cache

from holdall.errors import DeclarationError

__all__ = ["HEAD", "INLINE", "TAIL", "UNKNOWN", "fits", "has_sign", "media_type_of"]

HEAD = 1 << 16
"""Bytes of the beginning that are looked at."""
TAIL = (1 << 16) + 22
"""Bytes of the end that are looked at: as far as a ZIP archive can be found from there."""
UNKNOWN = "application/octet-stream"

_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", re.DOTALL)),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff[\xc0-\xfe]..(?!\*/)", re.DOTALL)),
    ("image/gif", re.compile(rb"GIF8[79]a.{7}", re.DOTALL)),
    ("image/webp", re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL)),
    ("image/avif", re.compile(rb"\0\0\0.ftypavi[fs]", re.DOTALL)),
    ("audio/flac", re.compile(rb"fLaC\0\0\0\x22", re.DOTALL)),
    ("audio/wav", re.compile(rb"RIFF.{4}WAVEfmt ", re.DOTALL)),
    ("video/mp4", re.compile(rb"\0\0\0.ftyp(?:isom|iso[2-6]|mp4[12]|M4V |avc1|dash)", re.DOTALL)),
    ("video/webm", re.compile(rb"\x1a\x45\xdf\xa3.{1,60}webm", re.DOTALL)),
)
"""Types that are recognised by more of their structure than their first bytes."""

INLINE = frozenset(name for name, _ in _SIGNS)
"""Types that a browser may show: it runs nothing that is in them."""

_ACTIVE = frozenset({"image/svg+xml", "text/html", "application/xhtml+xml", "application/xml", "text/xml"})
_BY_NAME = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "json": "application/json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "ics": "text/calendar",
    "vcf": "text/vcard",
}
"""Types of text that only a name tells apart, none of which anything runs."""

_TEXT_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("application/pdf", re.compile(rb"%PDF-[12]\.")),
    ("application/rtf", re.compile(rb"\{\\rtf")),
    ("application/postscript", re.compile(rb"%!PS")),
    ("text/x-php", re.compile(rb"<\?(?:php|=)", re.IGNORECASE)),
)
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|object|embed|style|title|meta|link|img|form|div|table|a\s|h1|p\b|br"
    rb"|base|input|video|audio|math)",
    re.IGNORECASE,
)
_SVG = re.compile(rb"<(?:[a-z]+:)?svg[\s>/]", re.IGNORECASE)
_XML = re.compile(rb"\s*<(?:\?xml|!doctype|!--|[a-z_][\w.:-]*[\s/>])", re.IGNORECASE)
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")

_FOREIGN = re.compile(
    rb"<(?:!doctype|html|script|svg|body|iframe|\?php|\?=|%)|javascript:|%PDF-\d|PK\x05\x06|\x7fELF|Rar!\x1a\x07|7z\xbc\xaf",
    re.IGNORECASE,
)
"""What another reader would find: markup, PDF, archives, programs. Each is looked for where such a reader looks."""
_SCRIPT_HEADS = re.compile(rb"GIF8[79]a\s*(?:/\*|//|=)|\xff\xd8\xff.(?:/\*|\*/)", re.DOTALL)
"""Pictures that are made to be read as a script as well."""
_ARCHIVE_END = b"PK\x05\x06"
_CHECKED = ("image/", "audio/", "video/", "font/")


def media_type_of(head: bytes, tail: bytes, name: str = "") -> str:
    """Return the media type of a content by its first ``HEAD`` and last ``TAIL`` bytes.

    ``name`` helps only among kinds of plain text. A content that can be read as two types is of none of them.

    >>> media_type_of(b"GIF89a" + bytes(20), b""), media_type_of(b"GIF89a/*" + bytes(20), b"")
    ('image/gif', 'application/octet-stream')
    """
    for found, sign in _SIGNS:
        if sign.match(head):
            return UNKNOWN if _is_ambiguous(head, tail) else found
    is_long = len(tail) >= TAIL
    if _is_text(head, is_start_cut=False, is_end_cut=len(head) >= HEAD) and _is_text(
        tail, is_start_cut=is_long, is_end_cut=False
    ):
        return _of_text(head, tail, name)
    return _of_binary(head, tail)


def fits(found: str, wanted: str) -> bool:
    """Whether a media type is one of those that ``image/png``, ``image/*`` or ``*/*`` means.

    A type that browsers run, such as image/svg+xml, is meant only by its own name.

    >>> fits("image/png", "image/*"), fits("image/svg+xml", "image/*"), fits("image/svg+xml", "image/svg+xml")
    (True, False, True)
    """
    if not wanted.endswith("*"):
        return found == wanted
    return found not in _ACTIVE and (wanted == "*/*" or found.startswith(wanted[:-1]))


def _is_ambiguous(head: bytes, tail: bytes) -> bool:
    return bool(_FOREIGN.search(head) or _FOREIGN.search(tail) or _SCRIPT_HEADS.match(head))


def _is_text(part: bytes, *, is_start_cut: bool, is_end_cut: bool) -> bool:
    """Whether bytes, which may be cut within a character, are text in UTF-8."""
    if _CONTROL.search(part):
        return False
    start = 0
    while is_start_cut and start < 3 and part[start] & 0xC0 == 0x80:
        start += 1
    try:
        part[start:].decode()
    except UnicodeDecodeError as error:
        return is_end_cut and error.reason == "unexpected end of data"
    return True


def _of_text(head: bytes, tail: bytes, name: str) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for found, sign in _TEXT_SIGNS:
        if sign.match(start):
            return UNKNOWN if found == "application/pdf" and _MARKUP.search(head) else found
    if _SVG.search(head) or _SVG.search(tail):
        return "text/html" if _MARKUP.match(start) else "image/svg+xml"
    if _MARKUP.search(head) or _MARKUP.search(tail):
        return "text/html"
    if _XML.match(start):
        return "application/xml"
    if _FOREIGN.search(head) or _FOREIGN.search(tail):
        return UNKNOWN
    found = _BY_NAME.get(name.lower().rpartition(".")[2], "text/plain")
    return "text/plain" if found == "application/json" and start[:1] not in (b"{", b"[") else found


def _of_binary(head: bytes, tail: bytes) -> str:
    """The type that puremagic finds, where it is sure enough."""
    try:
        import puremagic
    except ImportError as error:
        raise DeclarationError("types of files are found by a library: pip install 'holdall[files]'") from error
    if head.startswith(b"\x7fELF"):
        return "application/x-executable"
    if not has_sign(head):
        return UNKNOWN  # as puremagic would say, too, after it has compared each of its signs
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    sure = [match for match in matches if match.mime_type and match.offset < len(head) and len(match.byte_match) >= 3]
    if not sure:
        return UNKNOWN
    found = sure[0].mime_type
    if found.startswith("application/vnd.openxmlformats") or head[:4] == b"PK\x03\x04":
        return _of_archive(head)
    if found in _ACTIVE or found.startswith("text/"):
        return UNKNOWN  # it is no text
    if found.startswith(_CHECKED) and (_is_ambiguous(head, tail) or found in INLINE):
        return UNKNOWN  # those that browsers show are recognised above, or not at all
    return UNKNOWN if _ARCHIVE_END in tail and found == "application/pdf" else found


def has_sign(head: bytes) -> bool:
    """Whether anything is where one of puremagic's signs has it."""
    return any(head[start:end] in known for start, end, known in _signs())


@cache
def _signs() -> list[tuple[int, int | None, frozenset[bytes]]]:
    """The signs of puremagic by their place, which may be one before the end."""
    import puremagic

    found: dict[tuple[int, int | None], set[bytes]] = {}
    for sign in (*puremagic.magic_header_array, *puremagic.magic_footer_array):
        place = sign.offset, (sign.offset + len(sign.byte_match)) or None
        found.setdefault(place, set()).add(sign.byte_match)
    return [(start, end, frozenset(known)) for (start, end), known in found.items()]


_OFFICE = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_DECLARED = re.compile(rb"PK\x03\x04.{26}mimetype(application/[a-z.+-]{1,80})", re.DOTALL)


def _of_archive(head: bytes) -> str:
    """The type of a ZIP archive: of documents, by the names of what is in them."""
    declared = _DECLARED.match(head)
    if declared is not None:
        return declared[1].decode()
    if b"[Content_Types].xml" in head:
        for folder, found in _OFFICE.items():
            if b"PK\x03\x04" in head and folder in head:
                return found
    return "application/zip"
