"""What servers that fork load before they do: an application that has been used by then, and what its workers do."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from holdall import Holdall, Model, field

__all__ = ["application", "celery"]


class Note(Model):
    id: str = field(pk=True)
    text: str


_parent = os.getpid()
app = Holdall("notes")
app.add_store("main", os.environ["HOLDALL_TEST_URL"])
app.add(Note, store="main", collection="forked_note")


def write(key: str) -> str:
    """Add a record in this process; gives what is read afterwards."""
    with app.sync.session() as session:
        session.add(Note(id=key, text=f"by {'the parent' if os.getpid() == _parent else 'a worker'}"))
    with app.sync.session() as session:
        found: str = session.require(Note, key).text
    return found


def run_suite() -> int:
    """Run the suite of the sync facade in this process; gives pytest's exit code."""
    code = int(
        pytest.main(
            ["-q", "-s", "-p", "no:randomly", "-p", "no:cacheprovider", "--assert=plain", "tests/app/test_sync.py"]
        )
    )
    sys.stdout.flush()
    return code


app.sync.create()
if os.environ["HOLDALL_TEST_KEY"] != "":
    write(os.environ["HOLDALL_TEST_KEY"])  # before any worker is forked


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The WSGI application that gunicorn serves."""
    path = environ["PATH_INFO"].strip("/")
    answer = str(run_suite()) if path == "suite" else write(path)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]


def celery() -> Any:
    """The Celery application, whose messages and results lie in a folder."""
    from celery import Celery

    folder = os.environ["HOLDALL_TEST_FOLDER"]
    made = Celery("notes", broker="filesystem://", backend=f"file://{folder}/results")
    places = {"data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue", "control_folder": folder}
    made.conf.update(
        broker_transport_options=places,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        task_default_queue="notes",
    )
    made.task(name="write")(write)
    made.task(name="run_suite")(run_suite)
    return made
