"""The application: which collection lives where, and who may do what."""

from __future__ import annotations

from pathlib import Path

from demo.atlas.models import City, Continent, Country
from holdall import Everyone, Holdall, Policy, Role

__all__ = ["FOLDER", "atlas"]

FOLDER = Path("build/atlas")
"""Where ``make run`` keeps its records."""


def atlas(folder: Path = FOLDER) -> Holdall:
    """The atlas with its records in a folder; ``holdall serve demo.atlas:atlas`` serves it too."""
    app = Holdall("World atlas")
    app.add_store("reference", f"yaml:{folder / 'reference'}", layout="collection")
    app.add_store("main", f"sqlite:///{folder / 'cities.db'}")
    policy = Policy(read=Everyone, write=Role("editor"))
    app.add(Continent, Country, store="reference", policy=policy)
    app.add(City, store="main", policy=policy)
    return app
