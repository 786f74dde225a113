from __future__ import annotations

from pathlib import Path

import pytest

from holdall.query import Schema
from holdall.stores.yaml import YamlCollection, YamlStore
from holdall.testing.conformance import SCHEMAS, StoreConformance, odd_names


class TestYamlRecords(StoreConformance):
    label = "yaml (a file per record)"
    examples = 15
    histories = 6
    large_group = 2_000

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        return YamlStore("yaml", factory.mktemp("records") / "data")


class TestYamlCollections(StoreConformance):
    part = (1, 3)
    label = "yaml (a file per collection)"
    values_apart = 3
    examples = 15
    histories = 6
    large_group = 2_000

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        folder: Path = factory.mktemp("collections") / "data"
        return YamlStore("yaml", folder, layout="collection")


class TestYamlUnderOtherNames(StoreConformance):
    part = (1, 3)
    examples = 15
    histories = 4
    large_group = 2_000

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        return YamlStore("yaml", factory.mktemp("records") / "data")

    def named(self, schema: Schema) -> Schema:
        return odd_names(schema)


class TestYamlSections(StoreConformance):
    """Every collection a part of one file: a mapping by key, or a list where the key has several fields."""

    part = (2, 3)
    examples = 5
    histories = 3
    large_group = 200

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        places = {
            name: YamlCollection(
                layout="mapping" if len(schema.key) == 1 else "collection", file="data/world.yml", at=f"all.{name}"
            )
            for name, schema in SCHEMAS.items()
        }
        return YamlStore("yaml", factory.mktemp("sections"), collections=places)
