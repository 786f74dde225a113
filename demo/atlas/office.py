"""The back office of the atlas: a few lines about its lists, and what its first page counts and draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.atlas.diary import Visit
from demo.atlas.models import City, Continent, Country
from holdall.admin import Admin, AdminView, Chart, Computed, Counter
from holdall.users import Users

__all__ = ["back_office"]


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
