"""The files of a folder of revisions are read once, and again where one of them came, went or was changed."""

from __future__ import annotations

from pathlib import Path

from holdall.stores.sql.revisions.files import Folder

_TEXT = '''"""{message}"""

revision = {name!r}
down_revision = {down!r}
tables = {{"book": {{"made": {{"type": {name!r}}}}}}}
'''


def test_files_are_read_again_where_one_came_went_or_was_changed(tmp_path: Path) -> None:
    folder = Folder("main", tmp_path)
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(_TEXT.format(message="one", name="a", down=None))
    assert folder.scripts is folder.scripts
    assert [each.doc for each in folder.all()] == ["one"]
    second.write_text(_TEXT.format(message="two", name="b", down="a"))
    assert [each.doc for each in folder.all()] == ["one", "two"]
    assert folder.snapshot() == {"book": {"made": {"type": "b"}}}
    second.write_text(_TEXT.format(message="second edition", name="b", down="a"))
    assert [each.doc for each in folder.all()] == ["one", "second edition"]
    second.unlink()
    assert [each.doc for each in folder.all()] == ["one"]
