"""Durations as ISO 8601 text of days, hours, minutes and seconds: ``P1DT2H30M``, ``-PT0.5S``."""

from __future__ import annotations

import re
from datetime import timedelta

from holdall.stores.yaml.errors import Misfit

__all__ = ["duration_of", "text_of"]

_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,12})H)?(?:(?P<minutes>\d{1,14})M)?(?:(?P<seconds>\d{1,15})(?:[.,](?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)


def text_of(duration: timedelta) -> str:
    sign, rest = ("-", -duration) if duration.days < 0 and duration != timedelta.min else ("", duration)
    if duration == timedelta.min:  # its absolute value is one microsecond more than a timedelta holds
        return f"-P{-duration.days}D"
    hours, seconds = divmod(rest.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{rest.microseconds:06d}".rstrip("0") if rest.microseconds else ""
    day = f"{rest.days}D" if rest.days else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or fraction, f"{seconds}{fraction}S"))
    clock = "".join(text for is_there, text in parts if is_there)
    if not day and not clock:
        return "PT0S"
    return f"{sign}P{day}{'T' + clock if clock else ''}"


def duration_of(text: str) -> timedelta:
    """The duration the text says. Raises Misfit; years and months have no fixed length and are refused."""
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT":
        raise Misfit("a duration such as P1DT2H30M is expected (days, hours, minutes, seconds)")
    names = ("weeks", "days", "hours", "minutes", "seconds")
    numbers = {name: int(match[name]) for name in names if match[name]}
    microseconds = int((match["fraction"] or "0").ljust(6, "0"))
    sign = -1 if match["sign"] == "-" else 1
    try:
        return timedelta(microseconds=sign * microseconds, **{name: sign * n for name, n in numbers.items()})
    except OverflowError:
        raise Misfit("the duration is too long") from None
