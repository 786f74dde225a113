"""A world atlas in four stores: countries in YAML, cities in SQLite, visits in Markdown, tours at an HTTP API."""

from demo.atlas.application import atlas
from demo.atlas.models import City, Continent, Country

__all__ = ["City", "Continent", "Country", "atlas"]
