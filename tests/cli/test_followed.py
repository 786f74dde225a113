"""A served collection that clients follow: the stream ends as soon as the service is told to end."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from tests.support.terminal import started

_NOTES = """
from holdall import Everyone, Holdall, Model, Policy, field


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = ""


app = Holdall("notes")
app.add_store("main", "sqlite:///notes.db")
app.add(Note, store="main", policy=Policy(read=Everyone, write=Everyone))
app.add_feed(Note)
"""


def test_streams_end_with_the_service(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(_NOTES)
    with started(tmp_path, "holdall", "serve", "notes:app", "--port", "0", "--create") as (process, address):
        assert process.stdout is not None
        asked = urllib.request.Request(f"{address}/notes/events", headers={"Accept": "text/event-stream"})
        with urllib.request.urlopen(asked, timeout=60) as stream:
            assert stream.readline() == b"retry: 3000\n"
            body = json.dumps({"id": 1, "text": "told"}).encode()
            head = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(f"{address}/notes", body, head), timeout=60).close()
            lines = iter(stream.readline, b"")
            assert b"event: created\n" in lines
            assert b'"text":"told"' in next(lines)
            process.terminate()
            assert list(lines) == [b"\n"]
        said = process.stdout.read()
        assert process.wait(60) is not None
    assert "exceeded" not in said
    assert "Traceback" not in said
