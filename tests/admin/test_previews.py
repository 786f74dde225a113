"""Pages show thumbnails of pictures where a field declares some."""

from __future__ import annotations

import pytest

from holdall import Everyone, File, Holdall, Policy
from tests.support.back_office import library, visitor
from tests.support.pictures import Print, picture, read

pytestmark = pytest.mark.anyio


def add_prints(app: Holdall) -> None:
    app.add(Print, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add_files("scans", "memory:")


async def test_previews_are_the_largest_thumbnail() -> None:
    app, service, _ = await library(before=add_prints)
    async with app.session() as session:
        session.add(Print(id=1, scan=File(picture(size=(400, 20))), plain=File(picture())))
    browser = await visitor(service, "eve")
    for page in (await browser.open("/admin/data/prints/1"), await browser.open("/admin/edit/prints/1")):
        assert 'src="/admin/file/prints/1/scan?preview=wide"' in page.html
        assert 'src="/admin/file/prints/1/plain?preview"' in page.html
    preview = await browser.send("GET", "/admin/file/prints/1/scan?preview=wide")
    assert (preview.headers["content-type"], read(preview.body).size) == ("image/jpeg", (60, 3))
    whole = await browser.send("GET", "/admin/file/prints/1/plain?preview")
    assert whole.body == picture()
