"""No module imports, by whatever way round, one that imports it: not in functions, and not for type checkers either."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.support.imports import circles, import_graph

# An import that is left out, with the reason why its circle cannot be untied.
_EXCUSED = {
    (
        "holdall.session.dao.dao",
        "holdall.session.session",
    ): "in public types each has the other",
}


@pytest.fixture
def graph() -> dict[str, set[str]]:
    return {name: set(imported) for name, imported in _graph().items()}


@cache
def _graph() -> dict[str, set[str]]:
    return import_graph()


def test_no_modules_import_each_other(graph: dict[str, set[str]]) -> None:
    for importer, imported in _EXCUSED:
        graph[importer].discard(imported)
    assert circles(graph) == []


def test_what_is_excused_is_there_and_makes_a_circle(graph: dict[str, set[str]]) -> None:
    for importer, imported in _EXCUSED:
        assert any({importer, imported} <= set(circle) for circle in circles(graph)), f"no circle at {importer}"


def test_circles_of_every_kind_are_seen(tmp_path: Path) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    texts = {
        "__init__": "from planted.top import one\n",
        "top": "from planted.checked import two\nfrom planted.alone import three\n",
        "checked": "if TYPE_CHECKING:\n    from planted.late import three\n",
        "late": "def call():\n    import planted.top\n",
        "alone": "import planted\n",
        "below": "import os\n",
    }
    for name, text in texts.items():
        (package / f"{name}.py").write_text(text)
    graph = import_graph(package)
    assert circles(graph) == [sorted({"planted", "planted.alone", "planted.checked", "planted.late", "planted.top"})]
    graph["planted.alone"].clear()
    assert circles(graph) == [["planted.checked", "planted.late", "planted.top"]]
