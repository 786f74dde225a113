"""A world atlas in three stores: countries in YAML, cities in SQLite, visits in Markdown; references across them."""

from demo.atlas.application import atlas
from demo.atlas.models import City, Continent, Country

__all__ = ["City", "Continent", "Country", "atlas"]
