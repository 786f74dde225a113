from __future__ import annotations

from pathlib import Path

import pytest

from holdall.stores.yaml import YamlStore
from holdall.testing.conformance import StoreConformance


class TestYamlRecords(StoreConformance):
    label = "yaml (a file per record)"

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        return YamlStore("yaml", factory.mktemp("records") / "data")


class TestYamlCollections(StoreConformance):
    label = "yaml (a file per collection)"

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        folder: Path = factory.mktemp("collections") / "data"
        return YamlStore("yaml", folder, layout="collection")
