"""The sync facade and forks, as servers that load a program before they fork and worker pools make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.forked import run_forking

PRELUDE = """
import multiprocessing, os, sys, threading
from holdall import Holdall, Model, field

class Note(Model):
    id: int = field(pk=True, generated=True)
    text: str

def build():
    app = Holdall("notes")
    app.add_store("main", sys.argv[1])
    app.add(Note, store="main")
    return app

app = build()

def write(text, app=app):
    with app.sync.session() as session:
        session.add(Note(text=text))

def count(app=app):
    with app.sync.session() as session:
        return session.count(Note.where())

def ended(pid):
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"
"""


@pytest.fixture(params=["memory:", "sqlite:///"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    place: str = request.param
    return place if place == "memory:" else f"{place}{tmp_path / 'notes.db'}"


def run(script: str, url: str) -> list[str]:
    return run_forking(PRELUDE + script, url)


def test_a_child_goes_on_with_what_its_parent_has_used(url: str) -> None:
    script = """
app.sync.create()
write("parent")
if (pid := os.fork()) == 0:
    write("child")
    print("child", count(), flush=True)
    sys.exit()
ended(pid)
write("parent")
print("parent", count())
"""
    count = 2 if url == "memory:" else 3  # each has its own memory
    assert run(script, url) == ["child 2", f"parent {count}"]


def test_a_child_that_makes_no_call_ends(url: str) -> None:
    script = """
app.sync.create()
if (pid := os.fork()) == 0:
    sys.exit()
ended(pid)
if (pid := os.fork()) == 0:
    app.sync.close()
    sys.exit()
ended(pid)
print(count())
"""
    assert run(script, url) == ["0"]


def test_a_child_with_an_application_of_its_own_ends(tmp_path: Path) -> None:
    script = """
app.sync.create()
if (pid := os.fork()) == 0:
    own = build()
    write("child", own)
    print("child", count(own), flush=True)
    sys.exit()
ended(pid)
print("parent", count())
"""
    assert run(script, f"sqlite:///{tmp_path / 'notes.db'}") == ["child 1", "parent 1"]


def test_a_session_that_is_open_at_the_fork_stays_with_the_parent(tmp_path: Path) -> None:
    script = """
app.sync.create()
with app.sync.session() as session:
    session.add(Note(text="parent"))
    session.query(Note.where())
    if (pid := os.fork()) == 0:
        write("child")
        os._exit(0)
    ended(pid)
print(count())
"""
    assert run(script, f"sqlite:///{tmp_path / 'notes.db'}") == ["2"]


def test_pools_and_grandchildren_write(tmp_path: Path) -> None:
    script = """
def work(number):
    write(str(number))
    return number

def grandchild():
    write("child")
    if (pid := os.fork()) == 0:
        write("grandchild")
        os._exit(0)
    ended(pid)

app.sync.create()
forking = multiprocessing.get_context("fork")
with forking.Pool(3) as pool:
    assert pool.map(work, range(20)) == list(range(20))
process = forking.Process(target=grandchild)
process.start()
process.join()
print(process.exitcode, count())
"""
    assert run(script, f"sqlite:///{tmp_path / 'notes.db'}") == ["0 22"]


def test_other_threads_may_be_at_work(tmp_path: Path) -> None:
    script = """
def steadily():
    while not stop.is_set():
        write("thread")
        begun.set()

app.sync.create()
begun, stop = threading.Event(), threading.Event()
thread = threading.Thread(target=steadily)
thread.start()
begun.wait()
for turn in range(10):
    if (pid := os.fork()) == 0:
        write("child")
        os._exit(0)
    ended(pid)
stop.set()
thread.join()
with app.sync.session() as session:
    print(session.count(Note.where(Note.text == "child")))
"""
    assert run(script, f"sqlite:///{tmp_path / 'notes.db'}") == ["10"]
