"""Files without a line end at their end: whatever text is put there is read again as it was given."""

from __future__ import annotations

from pathlib import Path

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
