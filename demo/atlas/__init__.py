"""A world atlas: continents and countries in a YAML folder, cities in SQLite, references across both."""

from demo.atlas.application import atlas
from demo.atlas.models import City, Continent, Country

__all__ = ["City", "Continent", "Country", "atlas"]
