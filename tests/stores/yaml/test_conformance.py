from __future__ import annotations

from pathlib import Path

import pytest

from holdall.stores.yaml import YamlStore
from holdall.testing.conformance import StoreConformance


class TestYamlRecords(StoreConformance):
    label = "yaml (a file per record)"
    examples = 50
    histories = 10
    large_group = 2_000

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        return YamlStore("yaml", factory.mktemp("records") / "data")


class TestYamlCollections(StoreConformance):
    label = "yaml (a file per collection)"
    examples = 50
    histories = 10
    large_group = 2_000

    def open_store(self, request: pytest.FixtureRequest) -> YamlStore:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        folder: Path = factory.mktemp("collections") / "data"
        return YamlStore("yaml", folder, layout="collection")
