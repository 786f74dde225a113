"""Programs that a preloaded process forks behave as those that Python starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.preloaded import PreloadedProcess, run_preloaded

PIPE = subprocess.PIPE
PROGRAM = """
import asyncio, atexit, os, sys, threading
atexit.register(print, "at exit")
threading.Thread(target=lambda: print("in a thread")).start()
print(__name__, sys.argv, os.getcwd(), os.environ["WORD"], sorted(os.environ.keys() - {{"LC_CTYPE"}}), sys.stdin.read())
print("an error", file=sys.stderr)
sys.exit({end})
"""


@pytest.mark.parametrize("end", ["0", "'a word'"])
@pytest.mark.parametrize("how", ["text", "file", "module"])
def test_a_program_ends_as_if_python_had_started_it(tmp_path: Path, how: str, end: str) -> None:
    program = PROGRAM.format(end=end)
    (tmp_path / "program.py").write_text(program)
    words = {"text": ["-c", program], "file": ["program.py"], "module": ["-m", "program"]}[how]
    environment = {"WORD": "here", "OTHER": ""}
    forked = run_preloaded(*words, "a", given="given", folder=tmp_path, environment=environment)
    command = [sys.executable, *words, "a"]
    started = subprocess.run(
        command, input="given", cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert forked.returncode == started.returncode
    assert forked.stderr == started.stderr
    assert forked.stdout == started.stdout


def test_an_exception_ends_it() -> None:
    done = run_preloaded("-c", "1 / 0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    with pytest.raises(subprocess.CalledProcessError):
        run_preloaded("-c", "1 / 0", check=True)


def test_it_can_be_killed_and_waited_for() -> None:
    with PreloadedProcess("-c", "print(1, flush=True)\nimport time; time.sleep(60)", stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.kill()
        assert process.wait() == -9
        assert process.poll() == -9
        process.kill()


def test_what_it_says_is_read_to_the_end_while_it_is_given_input() -> None:
    with PreloadedProcess("-c", "import sys; sys.stdout.write(sys.stdin.read())", stdin=PIPE, stdout=PIPE) as process:
        given = b"x" * 1_000_000
        assert process.communicate(given, timeout=60) == (given, None)
    assert process.returncode == 0


def test_programs_do_not_hold_each_others_streams() -> None:
    with (
        PreloadedProcess("-c", "print(2)", stdout=PIPE) as short,
        PreloadedProcess("-c", "import time; time.sleep(60)", stdout=PIPE) as long,
    ):
        assert short.communicate(timeout=60) == (b"2\n", None)
        assert long.poll() is None
        long.terminate()
        assert long.wait() == -15


def test_one_that_has_ended_unheard_can_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork server reaps a process before it says so."""
    with PreloadedProcess("-c", "") as process:
        process.wait()
        monkeypatch.setattr(process, "poll", lambda: None)
        process.kill()
