"""What can be done with the atlas beyond new values: an action, a selection and a job over all cities."""

from __future__ import annotations

from typing import Annotated

from demo.atlas.models import City
from holdall import Action, ActionPolicy, Context, Each, Everyone, Ge, Holdall, Le, Role, desc, param

__all__ = ["RoundPopulation", "add_verbs"]


class RoundPopulation(Action[City], on=Each):
    """Round the population of cities."""

    to: Annotated[int, Ge(1), Le(1_000_000)] = 100

    async def run(self, context: Context, city: City) -> int:
        """Round that of one city."""
        city.population = round(city.population / self.to) * self.to
        return city.population


def add_verbs(app: Holdall) -> None:
    """Add the action, the selection "largest", and the job "tidy-names" to the application."""
    app.add_action(RoundPopulation, policy=ActionPolicy(see=Everyone, execute=Role("editor")))
    largest = City.where(City.country.code == param("country", str, "FR")).sort(desc(City.population))
    app.add_selection("largest", largest.only(City.name, City.population, City.timezone))

    @app.job("tidy-names", over=City, batch=500, part=20_000)
    async def tidy_names(context: Context, cities: list[City]) -> dict[str, float]:
        changed = 0
        for city in cities:
            others = tuple(dict.fromkeys(each for each in city.alternate_names if each != city.name))
            if others != city.alternate_names:
                city.alternate_names = others
                changed += 1
        return {"changed": changed}
