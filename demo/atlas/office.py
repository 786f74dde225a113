"""The back office of the atlas: a few lines about its lists, and what its first page counts and draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.atlas.diary import Visit
from demo.atlas.models import City, Continent, Country
from holdall.admin import Admin, AdminView, Chart, Computed, Counter, Note
from holdall.users import Users

__all__ = ["back_office"]

_WORDS = (
    "Countries lie in YAML, cities in SQLite, visits in files of Markdown, tours at the HTTP API of a travel agency."
    " References lead from one to the other, and one save may write several of them."
)
_LINKS = {
    "A country with its flag, neighbours and cities": "data/countries/FR",
    "Cities of countries in Oceania: a filter through two stores": "data/cities?country.continent=OC",
    "A selection: the largest cities of a country": "select/cities/largest?country=JP",
    "An action on one city; below its list, on all that meet a filter": "act/cities/round-population/2988507",
    "A form with a field of every kind": "new/visits",
    "Tours of the travel agency": "data/tours",
    "Changes of cities and visits as they happen: a stream of events": "/cities/events",
    "Stores, unfinished commits, jobs": "operations/stores",
    "The service for programs": "/docs",
}


def back_office(users: Users) -> Admin:
    """The options of the back office, with the accounts that log in."""
    return Admin(
        users=users,
        views={
            Continent: AdminView(columns=["code", "name", "population"], sort="name", singular="Continent"),
            Country: AdminView(
                columns=["name", "continent", "capital", "population", "area", "languages"],
                computed={"density": Computed(_density, ["population", "area"], label="People per km²")},
                groups={"Money and telephone": ["currency", "currency_name", "phone", "domain"]},
                sort="name",
            ),
            City: AdminView(
                columns=["name", "country", "population", "timezone"],
                groups={"Place": ["latitude", "longitude", "timezone"]},
                sort="-population",
            ),
            Visit: AdminView(
                columns=["title", "city", "mood", "status", "day", "cost"],
                groups={
                    "On the way": ["through", "legs", "lasted", "arrived", "breakfast"],
                    "There": ["stay", "companions", "cost", "budget", "receipt"],
                    "The story": ["text", "photo", "notes"],
                },
                menu="Diary",
            ),
        },
        dashboard=[
            Note("What there is, and where to click", _WORDS, _LINKS),
            Counter("Cities", "cities"),
            Counter("Cities of more than a million", "cities", filters="population__gt=1000000"),
            Counter("Countries", "countries"),
            Chart("Countries by continent", "countries", group="continent.name"),
            Chart("People by continent", "countries", group="continent.name", aggregate="population.sum"),
            Chart("Spent on visits", "visits", group="day", aggregate="cost.sum", shape="line"),
        ],
    )


def _density(country: Mapping[str, Any]) -> str | None:
    return f"{country['population'] / country['area']:,.1f}" if country["area"] else None
