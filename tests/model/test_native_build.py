"""The parts that are in C are built where they can be, and can be done without everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_build import SOURCES, compile_part
from holdall.codegen import compiled
from holdall.model.native import VERSION

VERSIONS = dict(zip(SOURCES, (VERSION, 2), strict=True))
HOUSE = Path(__file__).parents[2]

pytestmark = pytest.mark.early


def test_the_suite_holds_without_the_part_in_c() -> None:
    machine = (
        "from hypothesis import HealthCheck, settings; from hypothesis.stateful import run_state_machine_as_test;"
        "from tests.session.test_session_against_dicts import SessionMachine;"
        "from holdall.model.native import is_native;"
        "assert not is_native; chosen = settings(max_examples=8, stateful_step_count=60, deadline=None,"
        " derandomize=True, database=None,"
        " suppress_health_check=list(HealthCheck)); run_state_machine_as_test(SessionMachine, settings=chosen)"
    )
    suite = ["tests/model/test_tracking.py", "tests/model/test_fields.py", "tests/stores/sql/test_class_check.py"]
    options = ["-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-c", f"import pytest; assert pytest.main({[*options, *suite]}) == 0; {machine}"],
        cwd=HOUSE,
        env={**os.environ, "HOLDALL_PURE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_every_part_is_known() -> None:
    assert sorted(SOURCES) == sorted(path.relative_to(HOUSE).as_posix() for path in HOUSE.glob("src/**/*.c"))


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_built_wherever_it_can_be(source: str, tmp_path: Path) -> None:
    made = compile_part(HOUSE / source, tmp_path)
    if made is None:
        pytest.skip("no compiler here, or no headers of Python")
    module = source.removeprefix("src/").removesuffix(".c").replace("/", ".")
    assert compiled(module, VERSIONS[source]) is not None or os.environ.get("HOLDALL_PURE"), "run make setup"
    again = compile_part(HOUSE / source, tmp_path)
    assert made == again
    assert list(tmp_path.iterdir()) == [made]


def test_what_cannot_be_compiled_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "_write.c"
    source.write_text("this is not C")
    assert compile_part(source, tmp_path) is None
    assert list(tmp_path.iterdir()) == [source]


def test_a_module_of_another_version_or_machine_is_not_taken(tmp_path: Path) -> None:
    package = tmp_path / "holdall"
    package.mkdir()
    program = (
        "import holdall.model, sys; holdall.model.__path__.insert(0, sys.argv[1]);"
        "sys.modules.pop('holdall.model._write', 0);"
        "from importlib import reload; import holdall.model.native as native; print(reload(native).is_native)"
    )
    for text in ("VERSION = 0", "VERSION = 1", "import nowhere"):
        (package / "_write.py").write_text(text)
        done = subprocess.run([sys.executable, "-c", program, str(package)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"
