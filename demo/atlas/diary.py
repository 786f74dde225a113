"""Visits: what somebody tells of a stay in a city. They have a field of every kind, and lie in files of Markdown."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal

import msgspec

from demo.atlas.models import City, Country
from holdall import JSON, File, Many, Model, Ref, field, file

__all__ = ["Leg", "Mood", "Stay", "Visit"]


class Mood(enum.Enum):
    """The mood of a visit."""

    DELIGHTED = "delighted"
    CONTENT = "content"
    TIRED = "tired"


class Stay(msgspec.Struct):
    """A bed, and for how many nights."""

    house: str
    nights: int = 1


class Leg(msgspec.Struct):
    """A part of the way there."""

    by: str
    hours: float = 0.0


class Visit(Model, collection="visits"):
    """A visit to a city, as somebody tells of it."""

    id: int = field(pk=True, generated=True)
    title: str = field(length=(1, 120), description="as the heading of a letter")
    city: Ref[City] = field(description="kept in another store")
    mood: Mood = Mood.CONTENT
    status: str = field(
        default="draft",
        one_of=["draft", "told", "closed"],
        transitions={None: ["draft"], "draft": ["told"], "told": ["draft", "closed"], "closed": []},
    )
    day: dt.date | None = field(default=None, description="the first day")
    arrived: dt.datetime | None = field(default=None)
    breakfast: dt.time | None = field(default=None)
    lasted: dt.timedelta | None = field(default=None)
    cost: Decimal = field(default=Decimal("0.00"), ge=Decimal(0))
    rating: float | None = field(default=None, ge=0, le=10)
    again: bool = field(default=False, description="whether it is worth another visit")
    stay: Stay | None = field(default=None)
    legs: list[Leg] = field(default_factory=list)
    companions: list[str] = field(default_factory=list)
    through: Many[Country] = field(default=())
    receipt: uuid.UUID | None = field(default=None)
    notes: JSON = field(default_factory=dict)
    photo: File | None = file("pictures", types=["image/*"], max_size=5_000_000)
    owner: str = field(default="", description="who tells of it")
    budget: int = field(default=0, ge=0, description="shown to administrators alone")
    text: str = field(default="", length=(0, 20_000))
    version: int = field(version=True)
