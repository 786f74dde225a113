"""Files without a line end at their end: whatever text is put there is read again as it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field

pytestmark = pytest.mark.anyio


class Note(Model, collection="notes"):
    code: str = field(pk=True)
    tags: list[str] = field(default_factory=list)
    text: str = field(default="")


TEXTS = ["z", "two\nlines", "two\nlines\n", "two\nlines\n\n", " first\nsecond\n", "|\n", ""]


def _app(folder: Path, layout: str) -> Holdall:
    made = Holdall("notes")
    made.add_store("m", f"yaml:{folder}", layout=layout)
    made.add(Note, store="m")
    return made


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["text", "tags"])
@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("is_another_added", [False, True])
async def test_a_last_value_is_changed(
    tmp_path: Path, layout: str, name: str, text: str, is_another_added: bool
) -> None:
    last = "tags:\n- a" if name == "tags" else "text: a"
    other = "text: b" if name == "tags" else "tags: []"
    if layout == "record":
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes/B.yaml").write_text(f"code: B\n{other}\n{last}")
    else:
        lines = f"code: B\n{other}\n{last}".replace("\n", "\n  ")
        (tmp_path / "notes.yaml").write_text(f"- code: A\n  tags: []\n  text: x\n- {lines}")
    value = [text, text] if name == "tags" else text
    async with _app(tmp_path, layout) as app:
        async with app.session() as session:
            setattr(await session.require(Note, "B"), name, value)
            if is_another_added:
                session.add(Note(code="C", text=text))
        async with app.session() as session:
            assert getattr(await session.require(Note, "B"), name) == value
            assert not is_another_added or (await session.require(Note, "C")).text == text
    assert await _app(tmp_path, layout).inspect() == {}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "last, value",
    [
        ("tags:\n- a  # first\n- b", []),
        ("tags:\n  - a\n  - b", ["c"]),
        ("tags:\n  - a\n  - b", ["a", "b", "c"]),
        ("tags: [a, b]", ["c" * 90]),
        ("text: |\n  one\n  two", "three"),
        ("text: >\n  one", "two\nlines\n"),
        ("text: 'one\n\n  two'", "three"),
    ],
)
async def test_a_last_value_over_several_lines_is_replaced(tmp_path: Path, last: str, value: Any, ends: str) -> None:
    file = tmp_path / "notes/B.yaml"
    file.parent.mkdir()
    other = 'text: "x"  # kept' if last.startswith("tags") else "tags: [ ]  # kept"
    file.write_bytes(f"{other}\n{last}".replace("\n", ends).encode())
    async with _app(tmp_path, "record") as app, app.session() as session:
        setattr(await session.require(Note, "B"), last.partition(":")[0], value)
    async with _app(tmp_path, "record") as app, app.session() as session:
        assert getattr(await session.require(Note, "B"), last.partition(":")[0]) == value
    text = file.read_bytes().decode()
    assert text.startswith(f"{other}{ends}")
    assert text.count("\n") == text.count(ends)
    assert text.count("# first") == last.count("# first")


class Remark(Model, collection="remarks"):
    code: str = field(pk=True)
    text: str = field(default="")
    more: str | None = field(default=None)


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("mark", ["|", ">", "|+", "|2", "|2+", "|-", "|  # a comment"])
async def test_what_follows_a_block_text_changes_nothing_of_it(tmp_path: Path, mark: str, layout: str) -> None:
    if layout == "record":
        (tmp_path / "remarks").mkdir()
        (tmp_path / "remarks/A.yaml").write_text(f"text: {mark}\n  one")
    else:
        (tmp_path / "remarks.yaml").write_text(f"- code: A\n  text: {mark}\n    one")
    app = Holdall("remarks")
    app.add_store("m", f"yaml:{tmp_path}", layout=layout)
    app.add(Remark, store="m")
    async with app.session() as session:
        session.add(Remark(code="B", text="two"))
    async with app.session() as session:
        (await session.require(Remark, "A")).more = "x"
    async with app.session() as session:
        a, b = await session.query(Remark.where().sort(Remark.code))
        assert (a.text, a.more, b.text) == ("one", "x", "two")
    await app.close()
