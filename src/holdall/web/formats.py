"""The forms in which a list is given: pages of JSON, or all records as CSV (RFC 4180) or as lines of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from holdall.web.asgi import Scope, header_list

__all__ = ["MEDIA_TYPES", "Format", "accepted_format", "with_format", "written_format"]


class Format(StrEnum):
    """How a list is written."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES = {
    Format.JSON: b"application/json",
    Format.CSV: b"text/csv; charset=utf-8; header=present",
    Format.NDJSON: b"application/x-ndjson",
}

_OF_PAGES = ("page", "page_size", "after", "count", "include", "aggregate", "group", "having")
_ACCEPTED = {
    b"text/csv": Format.CSV,
    b"application/x-ndjson": Format.NDJSON,
    b"application/ndjson": Format.NDJSON,
    b"application/jsonl": Format.NDJSON,
    b"application/json": Format.JSON,
    b"application/*": Format.JSON,
    b"*/*": Format.JSON,
}


def accepted_format(scope: Scope) -> Format:
    """The form that a client likes best, by its Accept header (RFC 9110, section 12.5.1); JSON if it does not say."""
    accept = header_list(scope, b"accept")
    if accept is None or not any(word in accept for word in (b"csv", b"ndjson", b"jsonl")):
        return Format.JSON
    best, found = 0.0, Format.JSON
    for item in accept.lower().split(b","):
        name, *parameters = [part.strip() for part in item.split(b";")]
        known = _ACCEPTED.get(name)
        weight = _weight(parameters)
        if known is not None and weight > best:
            best, found = weight, known
    return found


def written_format(controls: Mapping[str, str], refuse: Callable[[str, str, str], None]) -> Format:
    """The form that the parameters of a list ask for; ``refuse`` is told what does not go together."""
    given = controls.get("format", "json")
    if given not in [*Format]:
        refuse("format", "one_of", f"must be one of {', '.join(Format)}")
        return Format.JSON
    if controls.get("formulas", "escape") not in ("escape", "keep"):
        refuse("formulas", "one_of", "must be one of escape, keep")
    elif "formulas" in controls and given != Format.CSV:
        refuse("formulas", "combination", "is of format=csv only")
    for name in _OF_PAGES if given != Format.JSON else ():
        if name in controls:
            refuse(name, "combination", f"cannot be given together with format={given}: all records come")
    return Format(given)


def with_format(query_string: bytes, accepted: Format) -> bytes:
    """The query string with the form that is accepted, unless it says one itself.

    >>> with_format(b"sort=name", Format.CSV), with_format(b"format=json", Format.CSV)
    (b'sort=name&format=csv', b'format=json')
    """
    if any(pair.startswith(b"format=") for pair in query_string.split(b"&")):
        return query_string
    return query_string + (b"&" if query_string else b"") + b"format=" + accepted.value.encode()


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name == b"q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
