"""Pages: front matter and the text below it are the fields of one record, and an edit of one leaves the other alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, CorruptRecord, DeclarationError
from holdall.stores.yaml import YamlCollection

pytestmark = pytest.mark.anyio

WRITTEN = """---
title: "A first post"   # shown in the list
tags: [news,  short]

date: 2026-11-29
---

# Hello

--- not a mark
Text with *stars*.
"""


class Post(Model):
    slug: str = field(pk=True)
    title: str
    tags: list[str] | None = None
    date: str | None = None
    content: str = ""


def _app(folder: Path, extension: str = "") -> Holdall:
    app = Holdall("site")
    page = YamlCollection(body="content", extension=extension)
    app.add_store("site", f"yaml:{folder}", collections={"post": page})
    app.add(Post, store="site")
    return app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "post").mkdir()
    return tmp_path


async def test_a_page_is_a_record(folder: Path) -> None:
    (folder / "post" / "first.md").write_text(WRITTEN)
    (folder / "post" / "notes.txt").write_text("not looked at")
    app = _app(folder)
    async with app.session() as session:
        post = await session.require(Post, "first")
        assert (post.title, post.tags, post.date) == ("A first post", ["news", "short"], "2026-11-29")
        assert post.content == WRITTEN.split("---\n", 2)[2]
        assert [each.slug for each in await session.query(Post.where(Post.title == "A first post"))] == ["first"]


async def test_edits_change_their_lines_alone(folder: Path) -> None:
    path = folder / "post" / "first.md"
    path.write_text(WRITTEN)
    app = _app(folder)
    async with app.session() as session:
        (await session.require(Post, "first")).title = "Another"
    assert path.read_text() == WRITTEN.replace('"A first post"', "Another")
    async with app.session() as session:
        (await session.require(Post, "first")).content = "short\n"
    front = WRITTEN.replace('"A first post"', "Another").split("\n\n#")[0]
    assert path.read_text() == front.rpartition("---")[0] + "---\nshort\n"
    async with app.session() as session:
        session.remove(await session.require(Post, "first"))
    assert not path.exists()


async def test_line_ends_and_a_byte_order_mark_stay(folder: Path) -> None:
    path = folder / "post" / "first.md"
    path.write_bytes("\ufeff---\r\ntitle: x\r\n---\r\none\r\ntwo".encode())
    async with _app(folder).session() as session:
        post = await session.require(Post, "first")
        assert post.content == "one\ntwo"
        post.content, post.title = "one\ntwo\nthree\n", "two"
    assert path.read_bytes() == "\ufeff---\r\ntitle: two\r\n---\r\none\r\ntwo\r\nthree\r\n".encode()


async def test_a_new_page(folder: Path) -> None:
    async with _app(folder, extension=".markdown").session() as session:
        session.add(Post(slug="new", title="New", content="---\nbody\n"))
        session.add(Post(slug="empty", title="Empty"))
    assert (folder / "post" / "new.markdown").read_text() == "---\nslug: new\ntitle: New\n---\n---\nbody\n"
    async with _app(folder, extension=".markdown").session() as session:
        assert {post.slug: post.content for post in await session.query(Post.where())} == {
            "new": "---\nbody\n",
            "empty": "",
        }


@pytest.mark.parametrize(
    "text, reason",
    [
        ("title: x\n", "no front matter"),
        ("---\ntitle: x\n", "no front matter"),
        ("---\ntitle: x\ncontent: y\n---\n", "below the front matter"),
        ("---\n- x\n---\n", "mapping"),
        ("---\ntitle: x\n---\n\x07", "control character"),
    ],
)
async def test_what_is_no_page_is_told(folder: Path, text: str, reason: str) -> None:
    (folder / "post" / "odd.md").write_text(text)
    (folder / "post" / "good.md").write_text("---\ntitle: x\n---")
    async with _app(folder).session() as session:
        assert (await session.require(Post, "good")).content == ""
        with pytest.raises(CorruptRecord, match=reason):
            await session.get(Post, "odd")


async def test_a_carriage_return_is_refused(folder: Path) -> None:
    (folder / "post" / "good.md").write_text("---\ntitle: x\n---")
    async with _app(folder).session() as session:
        (await session.require(Post, "good")).content = "a\rb"
        with pytest.raises(CommitAborted, match="carriage return"):
            await session.commit()
        session.rollback()
        session.add(Post(slug="new", title="x", content="\r\n"))
        with pytest.raises(CommitAborted, match="carriage return"):
            await session.commit()
        session.rollback()
    assert [path.name for path in (folder / "post").iterdir()] == ["good.md"]


@pytest.mark.parametrize(
    "options",
    [
        {"body": "text"},
        {"body": "tags"},
        {"body": "date"},
        {"body": "slug"},
        {"body": "content", "layout": "collection"},
        {"body": "content", "extension": "md"},
        {"body": "content", "extension": "./x"},
        {"extension": ".md"},
    ],
)
def test_options_that_do_not_go_together(folder: Path, options: dict[str, str]) -> None:
    app = Holdall("site")
    app.add_store("site", f"yaml:{folder}", collections={"post": YamlCollection(**options)})  # type: ignore[arg-type]
    app.add(Post, store="site")
    with pytest.raises(DeclarationError, match=r"body=|extension="):
        app.bindings.configure()


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t")).filter(
    lambda text: not {"\ufffe", "\uffff", "\ufeff"} & set(text)
)


@given(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=4))
async def test_any_text_is_kept(tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "post").mkdir()
    async with _app(folder).session() as session:
        post = session.add(Post(slug="page", title="", content=""))
        for title, content in edits:
            post.title, post.content = title, content
            await session.commit()
            async with _app(folder).session() as other:
                found = await other.require(Post, "page")
                assert (found.title, found.content) == (title, content)
