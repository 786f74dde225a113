"""The vocabulary of features is no wish list: each is declared by a store and tried by the conformance suite."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from holdall.store import Feature, open_store
from tests.support.sources import PACKAGE, house_files, parsed


@pytest.fixture
def declared(tmp_path: Path) -> set[Feature]:
    urls = ["memory:", f"yaml:{tmp_path}", f"sqlite:///{tmp_path}/x.db", "postgresql://u@localhost/x"]
    return {feature for url in urls for feature in open_store("x", url).capabilities.features}


@cache
def _tried() -> set[str]:
    return {
        node.attr
        for path in house_files(PACKAGE / "testing" / "conformance", "*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Feature"
    }


def test_every_feature_is_declared_by_a_store(declared: set[Feature]) -> None:
    assert set(Feature) - declared == set()


@pytest.mark.parametrize("feature", list(Feature))
def test_every_feature_is_tried_by_the_suite(feature: Feature) -> None:
    assert feature.name in _tried()
