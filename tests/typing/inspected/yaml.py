from __future__ import annotations

from datetime import date
from typing import Any

from holdall import Holdall, Model, field
from holdall.stores.yaml import YamlCollection


class Services(Model):
    key: str = field(pk=True)
    image: str
    ports: list[str] | None = None
    # with MODE
    environment: dict[str, Any] | None = None
    class_: str | None = field(default=None, column="class")


class Countries(Model):
    key: str = field(pk=True)
    name: str
    area: float
    since: date | None = None
    tags: list[str] | None = None


class Navigation(Model):
    title: str = field(pk=True)
    url: str
    new_tab: bool | None = field(default=None, column="new-tab")


class People(Model):
    key: str = field(pk=True)
    name: str
    born: int | None = None
    class_: str | None = field(default=None, column="class")


# automations is left out:
#   automations.yaml: line 1: tags (!) are not read; remove it, or put text in quotes


# odd is left out:
#   no field names each of its items


# settings is left out:
#   settings.yaml: it is one document, and no list or mapping of records


app = Holdall("site")
app.add_store(
    "main",
    "yaml:./site",
    collections={
        "services": YamlCollection(layout="mapping", file="compose.yaml", at="services"),
        "countries": YamlCollection(layout="mapping"),
        "navigation": YamlCollection(layout="collection"),
    },
)
app.add(Services, Countries, Navigation, People, store="main")
