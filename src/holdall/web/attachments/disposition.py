"""Names of files in ``Content-Disposition`` (RFC 6266), written so that every client reads the same."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from holdall.files import INLINE, clean_name
from holdall.web.asgi import Scope, header

__all__ = ["disposition", "name_in", "name_of"]

_PLAIN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~ -]*")
_KEPT = "!#$&+-.^_`|~"  # attr-char of RFC 8187, beside letters and digits
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def disposition(media_type: str, name: str) -> bytes:
    """Make the header's value: browsers may show what they run nothing of, and save all else.

    A name that is more than plain ASCII is given as RFC 8187 has it, beside one for clients that do not read that.

    >>> disposition("image/png", "cover.png"), disposition("text/html", "Å.html")
    (b'inline; filename="cover.png"', b'attachment; filename="_.html"; filename*=UTF-8\\'\\'%C3%85.html')
    """
    kind = "inline" if media_type in INLINE else "attachment"
    if not name:
        return kind.encode()
    if _PLAIN.fullmatch(name):
        return f'{kind}; filename="{name}"'.encode()
    plain = "".join(char if _PLAIN.fullmatch(char) else "_" for char in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_KEPT)}".encode()


def name_in(value: str) -> str:
    """Return the name of a file in the value of a header; empty where there is none.

    >>> name_in("attachment; filename*=UTF-8''%C3%85.txt"), name_in('form-data; name="a"; filename="b.txt"')
    ('Å.txt', 'b.txt')
    """
    found = dict[str, str]()
    for name, quoted, plain in _PARAMETER.findall(value):
        found.setdefault(name.lower(), _ESCAPED.sub(r"\1", quoted) if quoted else plain)
    extended = found.get("filename*", "")
    charset, _, rest = extended.partition("'")
    if charset.lower() == "utf-8" and "'" in rest:
        return clean_name(unquote_to_bytes(rest.partition("'")[2]).decode("utf-8", "replace"))
    return clean_name(found.get("filename", ""))


def name_of(scope: Scope) -> str:
    """Return the name that a request gives its body; empty where it gives none."""
    value = header(scope, b"content-disposition")
    return "" if value is None else name_in(_text(value))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
