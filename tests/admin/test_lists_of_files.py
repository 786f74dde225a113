"""Lists of files in the back office: shown with their record, kept as they are by its form."""

from __future__ import annotations

import pytest

from holdall import Authenticated, File, Holdall, Model, Policy, field, file
from tests.support.back_office import library, visitor
from tests.support.gallery import GIF, PNG

pytestmark = pytest.mark.anyio


class Album(Model, collection="albums"):
    id: int = field(pk=True)
    title: str = ""
    pictures: list[File] = file("covers", default_factory=list)


async def test_a_form_keeps_them() -> None:
    def with_albums(app: Holdall) -> None:
        app.add(Album, store="main", policy=Policy(read=Authenticated, write=Authenticated))

    app, service, _ = await library(before=with_albums)
    async with app.session() as session:
        session.add(Album(id=1, title="One", pictures=[File(PNG, name="a.png"), File(GIF, name="b.gif")]))
    browser = await visitor(service, "eve")
    for address in ("/admin/data/albums", "/admin/data/albums/1", "/admin/new/albums"):
        assert (await browser.open(address)).status == 200
    assert "a.png" in (await browser.open("/admin/data/albums/1")).text
    page = await browser.open("/admin/edit/albums/1")
    assert "f.pictures" not in page.html
    saved = await browser.submit(page, page.form("/edit/albums/1").filled(f_title="Two"), "/edit/albums/1")
    assert saved.status == 200
    async with app.session() as session:
        album = await session.require(Album, 1)
        assert (album.title, [await each.content() for each in album.pictures]) == ("Two", [PNG, GIF])
