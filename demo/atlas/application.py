"""The application: which collection lives where, and who may do what."""

from __future__ import annotations

from pathlib import Path

from demo.atlas.agency import add_agency
from demo.atlas.diary import Visit
from demo.atlas.models import City, Continent, Country
from demo.atlas.verbs import add_verbs
from holdall import Everyone, FieldRights, Holdall, Nobody, Owner, Policy, Role, me
from holdall.admin import SavedLists
from holdall.stores.yaml import YamlCollection

__all__ = ["FOLDER", "atlas"]

FOLDER = Path("build/atlas")
"""Where ``make run`` keeps its records."""


def atlas(folder: Path = FOLDER, *, is_watched: bool = True, agency: str = "") -> Holdall:
    """The atlas with its records in a folder; ``holdall serve demo.atlas:atlas`` serves it too.

    What is loaded at first is not watched: it has no audit trail, and nobody is told of it. With the address of a
    travel agency it has the tours of that, too.
    """
    app = Holdall("World atlas")
    app.add_store("reference", f"yaml:{folder / 'reference'}", layout="collection")
    app.add_store("main", f"sqlite:///{folder / 'cities.db'}")
    app.add_store("diary", f"yaml:{folder / 'diary'}", collections={"visits": YamlCollection(body="text")})
    app.add_files("pictures", f"file:{folder / 'pictures'}")
    policy = Policy(read=Everyone, write=Role("editor"))
    app.add(Continent, Country, store="reference", policy=policy)
    app.add(City, store="main", policy=policy)
    app.add(Visit, store="diary", policy=_diary())
    if is_watched:
        app.add_audit(Country, City, Visit, store="main", read=Role("editor"))
        app.add_feed(City, Visit)
    if agency:
        add_agency(app, agency)
    add_verbs(app)
    SavedLists(app, store="main")
    return app


def _diary() -> Policy:
    """Whoever has an account tells of visits; drafts are read by those who write them, and by editors."""
    return Policy(
        read=Role("editor") | Owner("owner") | (Visit.status != "draft"),
        create=Role("editor", "traveller"),
        update=Role("editor") | Owner("owner"),
        delete=Role("editor") | Owner("owner"),
        fields={
            "owner": FieldRights(write=Nobody, preset=me.id),
            "budget": FieldRights(read=Role("admin"), write=Role("admin")),
        },
    )
