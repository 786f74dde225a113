"""Lists under names, records made within a form, lists of objects, rights and changes on the page of a record, keys."""

from __future__ import annotations

import pytest

from holdall import Holdall, Owner, Policy, Role
from holdall.admin import SavedList, SavedLists
from holdall.admin.described import field_of
from holdall.admin.pages.logins import KEYS
from holdall.admin.widgets import Misread, read_value
from tests.support.back_office import Book, Place, library, visitor
from tests.support.paper_browser import Page, PaperBrowser
from tests.support.sources import PACKAGE

pytestmark = pytest.mark.anyio


def _saving(app: Holdall) -> None:
    SavedLists(app, store="main")


async def _saved(browser: PaperBrowser, address: str, name: str) -> Page:
    page = await browser.open(address)
    page.forms = [each for each in page.forms if "_name" in each.inputs]
    return await browser.submit(page, page.form().filled(_name=name))


async def test_a_list_is_saved_replaced_and_forgotten_by_its_owner_alone() -> None:
    app, service, _ = await library(before=_saving)
    eve, ann = await visitor(service, "eve"), await visitor(service, "ann")
    page = await _saved(eve, "/admin/data/books?title__contains=3&sort=-title", "Threes <b>")
    assert page.address == "/admin/data/books?title__contains=3&sort=-title&_said=kept"
    assert "<b>" not in page.html
    await _saved(eve, "/admin/data/books?title__contains=4", "Threes <b>")
    page = await eve.open("/admin/data/books")
    page = await eve.open(page.link("Threes <b>"))
    assert ("Book 4" in page.text, "Book 3" in page.text) == (True, False)
    for address in ("/admin/data/books", "/admin/data/authors"):
        assert "Threes" not in (await ann.open(address)).text
    assert "Threes" not in (await eve.open("/admin/data/authors")).text
    async with app.session() as session:
        kept = await session.one(SavedList.where())
        assert (kept.owner, kept.of, kept.query) == ("eve", "books", "title__contains=4")
    forms = {each.action: each for each in page.forms if ("_forget", str(kept.id)) in each.buttons}
    page.forms = list(forms.values())
    foreign = await ann.open("/admin/data/books")
    token = next(each.inputs["_token"] for each in foreign.forms if "_token" in each.inputs)
    assert (await ann.submit(page, page.form().filled(_token=token, _forget=str(kept.id)))).status == 404
    page = await eve.submit(page, page.form().filled(_forget=str(kept.id)))
    assert "was forgotten" in page.text
    async with app.session() as session:
        assert await session.count(SavedList.where()) == 0


async def test_lists_are_not_saved_where_the_application_keeps_none() -> None:
    _, service, _ = await library()
    eve = await visitor(service, "eve")
    assert "Save this list" not in (await eve.open("/admin/data/books")).text
    assert (await eve.open("/admin/save/books")).status == 404


async def test_what_is_made_within_a_form_is_told_to_it() -> None:
    _, service, _ = await library()
    eve = await visitor(service, "eve")
    page = await eve.open("/admin/new/authors")
    assert "data-within" in page.html
    wrong = await eve.submit(page, page.form("authors").filled(f_code="NEW", f_born="never", _within="1"), "authors")
    assert (wrong.status, "data-within" in wrong.html) == (422, True)
    made = page.form("authors").filled(f_code="A/B", f_name="Ada", _within="1")
    answer = await eve.submit(page, made, "authors")
    assert answer.html == '{"key":"A/B","name":"Ada"}'


@pytest.mark.parametrize("nullable", [False, True])
def test_a_reference_by_a_number_is_given_as_one(nullable: bool) -> None:
    schema = {"type": ["integer", "null"] if nullable else "integer"}
    shape = field_of({"name": "city", "schema": schema, "target": "cities"}, {}).shape
    assert read_value(shape, "f.city", {"f.city": ["7"]}, "city") == 7
    with pytest.raises(Misread):
        read_value(shape, "f.city", {"f.city": ["Paris"]}, "city")


async def test_objects_of_a_list_have_inputs_and_one_more() -> None:
    app, service, _ = await library()
    async with app.session() as session:
        (await session.require(Book, 1)).shelves = [Place("North", 1), Place("South", 2)]
    eve = await visitor(service, "eve")
    page = await eve.open("/admin/edit/books/1")
    form = page.form("/edit/books/1")
    assert "f.shelves.2.street" in form.inputs
    unchanged = await eve.submit(page, form.inputs, "/edit/books/1")
    assert "Nothing was changed" in unchanged.text
    given = {"f.shelves.0(gone)": "true", "f.shelves.1.number": "", "f.shelves.2.street": "East"}
    wrong = await eve.submit(page, form.filled(**given, **{"f.shelves.2.number": "many"}), "/edit/books/1")
    assert "2.number: must be a whole number" in wrong.text
    await eve.submit(page, form.filled(**given, **{"f.shelves.2.number": "3"}), "/edit/books/1")
    async with app.session() as session:
        assert (await session.require(Book, 1)).shelves == [Place("South", 0), Place("East", 3)]


async def test_a_record_shows_what_may_be_done_with_it_and_its_latest_changes() -> None:
    books = Policy(read=Role("editor", "admin") | Owner("owner"), write=Owner("owner"))
    app, service, _ = await library(
        books=books, before=lambda app: app.add_audit(Book, store="main", read=Role("editor", "admin"))
    )
    async with app.session() as session:
        (await session.require(Book, 2)).title = "Renamed"
    eve, tom = await visitor(service, "eve"), await visitor(service, "tom")
    page = await eve.open("/admin/data/books/2")
    assert ("Latest changes" in page.text, "Renamed" in page.text) == (True, True)
    assert "Edit" not in [text for _, text in page.links]
    page = await tom.open("/admin/data/books/1")
    assert "Edit" in [text for _, text in page.links]
    assert "Latest changes" not in page.text


async def test_keys_are_told_done_and_taken_away() -> None:
    _, service, _ = await library()
    eve = await visitor(service, "eve")
    pages = [await eve.open(f"/admin/{address}") for address in ("data/books", "data/books/1", "keys")]
    script = (PACKAGE / "admin" / "static" / "keys.js").read_text()
    told = "".join(page.html for page in pages)
    for key, _ in KEYS[:13]:
        is_there = f'aria-keyshortcuts="{key}"' in told or f'"{key}"' in script or key in ".,h"
        assert is_there, key
    page = await eve.open("/admin/preferences")
    await eve.submit(page, page.form().filled(keys=None))
    page = await eve.open("/admin/data/books")
    assert ("aria-keyshortcuts" in page.html, "data-keys" in page.html) == (False, False)
