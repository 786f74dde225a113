"""The words of the pages in the languages that there are, and how dates and numbers are written in them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal
from babel.units import format_unit

from holdall.admin.options import LANGUAGES

__all__ = ["Words", "language_of", "zone_of"]


_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))  # seconds


class Words:
    """One language, with the time zone in which moments are shown.

    >>> words = Words("fr", "Europe/Paris")
    >>> words("Save"), words("{number} records", number=3)
    ('Enregistrer', '3 fiches')
    >>> words.number(1234567.5)
    '1\\u202f234\\u202f567,5'
    """

    def __init__(self, language: str, zone: str = "UTC") -> None:
        self.language = language
        self.zone = zone
        self.zone_info = ZoneInfo(zone)
        self._locale = Locale.parse(language)
        self._told = _catalogue(language)

    def __call__(self, text: str, **values: object) -> str:
        """A text in this language, with the values put in."""
        found = self._told.get(text) or text
        return found.format(**values) if values else found

    def number(self, value: float) -> str:
        """A number as it is written here."""
        return str(format_decimal(value, format="#,##0.##########", locale=self._locale))

    def short(self, value: float) -> str:
        """A number in a few characters, such as 4.5B."""
        return str(format_compact_decimal(value, format_type="short", fraction_digits=1, locale=self._locale))

    def records(self, number: int) -> str:
        """A number of records, in words.

        >>> Words("en").records(1), Words("de").records(1200)
        ('1 record', '1.200 Datensätze')
        """
        return self("1 record") if number == 1 else self("{number} records", number=self.number(number))

    def duration(self, value: dt.timedelta) -> str:
        """A duration in days, hours, minutes and seconds, without those that are none.

        >>> Words("en").duration(dt.timedelta(days=3, hours=2))
        '3 days 2 hr'
        """
        seconds = abs(value.total_seconds())
        parts = []
        for name, length in _UNITS:
            number, seconds = divmod(seconds, length) if length > 1 else (seconds, 0)
            if number:
                shown = int(number) if number == int(number) else round(number, 6)
                parts.append(str(format_unit(shown, f"duration-{name}", "short", locale=self._locale)))
        text = " ".join(parts) or str(format_unit(0, "duration-second", "short", locale=self._locale))
        return f"-{text}" if value < dt.timedelta(0) else text

    def moment(self, value: dt.datetime) -> str:
        """A moment, in the time zone of who reads it."""
        return str(format_datetime(value, "medium", tzinfo=self.zone_info, locale=self._locale))

    def date(self, value: dt.date) -> str:
        """A date as it is written here."""
        return str(format_date(value, "medium", locale=self._locale))

    def time(self, value: dt.time) -> str:
        """A time as it is written here."""
        return str(format_time(value, "medium", locale=self._locale))


def language_of(chosen: str | None, accepted: str, default: str) -> str:
    """The language of a page: the one that was chosen, else the first that the browser accepts and there is.

    >>> language_of(None, "es, fr-CH;q=0.9, en;q=0.8", "en"), language_of("de", "fr", "en")
    ('fr', 'de')
    """
    if chosen in LANGUAGES:
        return chosen
    wanted = [(_weight(item), item.partition(";")[0].strip()) for item in accepted[:500].split(",")]
    preferred = [name for weight, name in sorted(wanted, key=lambda item: -item[0]) if weight > 0 and name]
    short = [name.partition("-")[0].lower() for name in preferred]
    return negotiate_locale(short, LANGUAGES) or default


def _weight(item: str) -> float:
    _, _, text = item.partition("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def zone_of(chosen: str | None, default: str) -> str:
    """The time zone of a page: the one that was chosen, if there is such a one."""
    if not chosen or len(chosen) > 64:
        return default
    try:
        return ZoneInfo(chosen).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return default


@cache
def _catalogue(language: str) -> dict[str, str]:
    if language == "en":
        return {}
    with files("holdall.admin").joinpath("translations", f"{language}.po").open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id and each.string}
