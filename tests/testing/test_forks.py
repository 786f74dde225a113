"""``pytest --forks``: every test is run once and told of, whatever becomes of the process that runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_TESTS = """
import os, pytest, warnings

@pytest.fixture(scope="session", autouse=True)
def opened():
    with open({log!r}, "a") as log:
        log.write("opened\\n")
    yield
    with open({log!r}, "a") as log:
        log.write("closed\\n")

@pytest.fixture(autouse=True)
def noted(request):
    with open({log!r}, "a") as log:
        log.write(request.node.name + "\\n")

class TestOne:
    @pytest.mark.parametrize("number", range(20))
    def test_passes(self, number, capfd):
        os.write(1, str(number).encode())
        assert capfd.readouterr().out == str(number)

class TestTwo:
    def test_skips(self):
        pytest.skip("for a reason")

    def test_fails(self):
        print("printed before")
        assert 1 == 2

    @pytest.mark.xfail(strict=True)
    def test_fails_as_expected(self):
        assert False

class TestThree:
    @pytest.mark.parametrize("number", range(3))
    def test_dies(self, number):
        if {dies} and number == 1:
            os._exit(7)
        warnings.warn("a word")

class TestFour:
    @pytest.mark.skipif(not {hangs}, reason="in another run")
    def test_hangs(self):
        import time
        time.sleep(60)
"""


def _run(
    folder: Path, *options: str, dies: bool = False, hangs: bool = False
) -> tuple[subprocess.CompletedProcess[str], Counter[str]]:
    log = folder / "log"
    (folder / "test_many.py").write_text(_TESTS.format(log=str(log), dies=dies, hangs=hangs))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.forks", "--rootdir", folder, *options, folder],
        cwd=_ROOT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-c /dev/null -p no:cacheprovider"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, Counter(log.read_text().split("\n"))


def test_each_is_run_once_and_told_of(tmp_path: Path) -> None:
    done, ran = _run(tmp_path, "--forks", "3")
    assert done.returncode == 1, done.stderr
    assert re.search(r"1 failed, 23 passed, 2 skipped, 1 xfailed, 3 warnings", done.stdout), done.stdout
    assert "assert 1 == 2" in done.stdout
    assert "printed before" in done.stdout
    assert "a word" in done.stdout
    processes = ran.pop("opened")  # of those that were in time to find something to run
    assert processes in {1, 2, 3}
    assert ran.pop("closed") == processes
    assert sum(ran.values()) == 26 + 1  # and the end of the file
    assert set(ran.values()) == {1}


def test_a_process_that_ends_is_a_failure_of_its_test(tmp_path: Path) -> None:
    done, ran = _run(tmp_path, "--forks", "2", dies=True)
    assert done.returncode == 1
    assert "the process of this test ended with 7" in done.stdout
    assert "test_many.py::TestThree::test_dies[1]" in done.stdout
    assert ran["test_dies[2]"] == 0
    assert sum(ran[f"test_passes[{number}]"] for number in range(20)) == 20


def test_a_test_that_hangs_shows_where(tmp_path: Path) -> None:
    done, _ = _run(tmp_path, "--forks", "2", "-o", "faulthandler_timeout=1", "-k", "TestFour", hangs=True)
    assert done.returncode == 1
    assert "the process of this test ended with 1" in done.stdout
    assert "in test_hangs" in done.stderr


def test_it_stops_where_it_is_told_to(tmp_path: Path) -> None:
    done, _ = _run(tmp_path, "--forks", "1", "-x", "-k", "TestTwo or TestOne")
    assert done.returncode == 1
    assert "stopping after 1 failures" in done.stdout


@pytest.mark.parametrize("options", [["--collect-only", "-q"], ["--forks", "0"]])
def test_without_forks_pytest_runs_as_ever(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "log").touch()
    done, _ = _run(tmp_path, *options)
    assert done.returncode == (1 if "--forks" in options else 0), done.stdout
