from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.terminal import get, run, started

_LIBRARY = """
from holdall import Everyone, Holdall, Model, Policy, field

class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str

def library():
    app = Holdall("library")
    app.add_store("main", "sqlite:///library.db")
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    return tmp_path


def test_tables_are_told_missing_then_made_then_fit(folder: Path) -> None:
    missing = run(folder, "holdall", "check", "library:library")
    assert missing.code == 1
    assert "main: table books for books is missing" in missing.errors
    assert "holdall create library:library" in missing.errors
    assert "Traceback" not in missing.errors
    assert run(folder, "holdall", "create", "library:library").code == 0
    fits = run(folder, "holdall", "check", "library:library")
    assert (fits.code, fits.errors) == (0, "")
    assert "fits" in fits.output


def test_serving_refuses_tables_that_differ_even_when_asked_to_create(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute("create table books (id integer primary key not null)")
    refused = run(folder, "holdall", "serve", "library:library", "--port", "0", "--create")
    assert refused.code == 1
    assert "main: books has no column title" in refused.errors
    assert "alter it" in refused.errors
    assert "Traceback" not in refused.errors


def test_a_wrong_target_ends_with_a_sentence(folder: Path) -> None:
    said = run(folder, "holdall", "serve", "library:nope")
    assert (said.code, said.errors) == (2, "holdall: module library has no nope\n")


def test_a_port_in_use_is_told(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run(folder, "holdall", "serve", "library:library", "--port", str(port), "--create")
    assert said.code == 1
    assert said.errors == f"holdall: port {port} on 127.0.0.1 is in use; choose another with --port\n"


def test_it_serves_until_interrupted(folder: Path) -> None:
    with started(folder, "holdall", "serve", "library:library", "--port", "0", "--create") as (process, address):
        assert json.loads(get(f"{address}/books"))["data"] == []
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_the_start_tells_who_may_do_what_and_what_nobody_can(folder: Path) -> None:
    (folder / "closed.py").write_text(
        "from library import Book\n"
        "from holdall import Everyone, Holdall, Policy, Role\n"
        "from holdall.policy import ANONYMOUS\n"
        "from holdall.cli.rights import rights_of\n"
        "app = Holdall('library')\n"
        "app.add_store('main', 'memory:')\n"
        "app.add(Book, store='main', policy=Policy(read=Everyone, write=Role('editor')))\n"
        "async def who(scope):\n"
        "    return ANONYMOUS\n"
        "for service in (app.asgi(), app.asgi(authenticate=who)):\n"
        "    print(*rights_of(app, service), sep='\\n')\n"
    )
    rights = "books: read everyone, create role editor, update role editor, delete role editor"
    said = run(folder, "closed")
    warning = (
        "warning: nobody can create or update or delete books: "
        "give it a Policy that allows Everyone, or serve asgi(authenticate=...)"
    )
    assert (said.output.splitlines(), said.code) == ([rights, warning, rights], 0)


def test_several_workers_serve(folder: Path) -> None:
    arguments = ("holdall", "serve", "library:library", "--port", "0", "--create", "--workers", "2")
    (folder / "sitecustomize.py").write_text(  # each worker takes its time
        "import os, time\nif 'HOLDALL_TARGET' in os.environ: time.sleep(1)\n"
    )
    with started(folder, *arguments, path=folder) as (process, address):
        assert json.loads(get(f"{address}/books"))["total_count"] == 0
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_several_workers_are_refused_over_the_memory_of_one(folder: Path) -> None:
    (folder / "alone.py").write_text(
        "from holdall import Holdall\nfrom library import Book\n"
        "app = Holdall('library')\napp.add_store('main', 'memory:')\napp.add(Book, store='main')\n"
    )
    said = run(folder, "holdall", "serve", "alone:app", "--port", "0", "--workers", "2")
    assert said.code != 0
    assert "store 'main' is in the memory of one process" in said.errors


def test_a_missing_package_is_told_with_what_to_install() -> None:
    program = "import sys; sys.modules['typer'] = None; import holdall.cli; holdall.cli.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "holdall: this needs the package typer: pip install 'holdall[cli,web]'\n",
    )


def test_the_door_brings_in_no_optional_package() -> None:
    program = "import holdall.cli, sys; print(*({'typer', 'rich', 'uvicorn', 'fastapi'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == ""


def test_a_record_that_cannot_be_read_keeps_nobody_from_serving(folder: Path) -> None:
    """``serve`` warns of it, and lists tell it apart; ``check`` finds it."""
    program = """
from holdall import Everyone, Holdall, Model, Policy, field

class Note(Model):
    id: int = field(pk=True)
    size: int

app = Holdall("notes")
app.add_store("files", "yaml:./files")
app.add(Note, store="files", policy=Policy(read=Everyone))
"""
    (folder / "notes.py").write_text(program)
    (folder / "files" / "note").mkdir(parents=True)
    (folder / "files" / "note" / "1.yaml").write_text("id: 1\nsize: 1\n")
    (folder / "files" / "note" / "2.yaml").write_text("id: 2\nsize: large\n")
    checked = run(folder, "holdall", "check", "notes:app")
    assert (checked.code, "note/2.yaml" in checked.errors) == (1, True)
    with started(folder, "holdall", "serve", "notes:app", "--port", "0") as (_, address):
        answer = json.loads(get(f"{address}/note"))
        assert [item["id"] for item in answer["data"]] == [1]
        assert [item["key"] for item in answer["broken"]] == ["2"]
