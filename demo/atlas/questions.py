"""The three questions the atlas invites to, and what is right about their answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["QUESTIONS", "Question", "ask"]

_SECONDS = 30.0  # for one answer


class Question(msgspec.Struct, frozen=True):
    """A path to ask for, what it asks, and whether an answer is right."""

    path: str
    meaning: str
    is_right: Callable[[Any], bool]


def _largest_french_cities(answer: Any) -> bool:
    cities = answer["data"]
    populations = [city["population"] for city in cities]
    return (
        [city["name"] for city in cities[:2]] == ["Paris", "Marseille"]
        and {city["country"] for city in cities} == {"FR"}
        and populations == sorted(populations, reverse=True)
        and len(cities) == answer["page_size"] == 3
        and answer["total_count"] > 3
    )


def _paris(answer: Any) -> bool:
    paris = (answer["id"], answer["name"], answer["country"], answer["timezone"], answer["version"])
    near = abs(answer["latitude"] - 48.85) < 0.1 and abs(answer["longitude"] - 2.35) < 0.1
    return near and paris == (2988507, "Paris", "FR", "Europe/Paris", 1) and "Lutetia" in answer["alternate_names"]


def _second_page_of_europe(answer: Any) -> bool:
    populations = [country["population"] for country in answer["data"]]
    return (
        len(populations) == answer["page_size"] == 5
        and populations == sorted(populations, reverse=True)
        and (answer["page"], answer["total_count"]) == (2, 54)
        and set(answer["data"][0]) == {"code", "name", "population"}
    )


QUESTIONS = (
    Question(
        "/cities?country.name=France&sort=-population&page_size=3",
        "the largest cities of France: cities from SQLite, by a field of their country in YAML",
        _largest_french_cities,
    ),
    Question("/cities/2988507", "one city, by its number at GeoNames", _paris),
    Question(
        "/countries?continent=EU&sort=-population&fields=code,name,population&page=2&page_size=5",
        "countries of Europe, largest first, three fields of each, the second page",
        _second_page_of_europe,
    ),
)


def ask(address: str, question: Question) -> str | None:
    """Ask a running server; None where the answer is right, else what is wrong with it."""
    try:
        with urllib.request.urlopen(address + question.path, timeout=_SECONDS) as reply:
            body = reply.read()
            kind = reply.headers.get_content_type()
    except urllib.error.HTTPError as error:
        with error:
            return f"status {error.code}: {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return f"no answer: {error}"
    try:
        is_right = kind == "application/json" and question.is_right(json.loads(body))
    except (ValueError, LookupError, TypeError) as error:
        return f"not the expected form ({error!r}): {body[:500]!r}"
    return None if is_right else f"not the expected content: {body[:500]!r}"
