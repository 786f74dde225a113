"""A browser with scripts over a library in three stores with every kind of field: ``make browser``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.served_office import CANARY, ServedLibrary
from tests.support.window import CHROMIUM, LOOKS, Look, Window, browser

_PAGES = {
    "home": "/",
    "list": "/data/books",
    "filtered": "/data/books?author.name__startswith=Urs&price__gte=1",
    "detail": "/data/books/7",
    "edit": "/edit/books/7",
    "new": "/new/books",
    "remove": "/delete/books/7",
    "history": "/history/books/7",
    "rights": "/access/books/7?login=tom",
    "preferences": "/preferences",
    "stores": "/operations/stores",
    "commits": "/operations/commits",
    "outbox": "/operations/outbox",
    "check": "/operations/fsck",
    "accounts": "/operations/accounts",
    "nothing": "/nothing",
}

pytestmark = [
    pytest.mark.skipif(not os.environ.get("BROWSER"), reason="make browser runs it"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLibrary]:
    with ServedLibrary(tmp_path_factory.mktemp("library")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_are_whole_and_run_nothing_of_others(office: ServedLibrary, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "ann", look) as window:
        for name, path in _PAGES.items():
            window.open(path)
            window.picture(f"library-{name}")


def test_a_policy_that_is_broken_is_seen(office: ServedLibrary, chromium: Any) -> None:
    """The planted fault: a script within a page is refused, and the window complains."""
    window = Window(office.address, chromium, "ann")
    window.page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.canary = 1';"
        " document.body.append(script)"
    )
    assert any("Content Security Policy" in each for each in window.complaints)
    assert window.page.evaluate("window.canary") is None
    window.context.close()


def test_a_record_is_found_made_and_changed(office: ServedLibrary, chromium: Any) -> None:
    window = Window(office.address, chromium, "eve")
    page = window.page
    window.open("/new/books")
    page.fill("#f-title", "By hand")
    page.fill("#f-author", "Jor")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#f-author") == "JLB"
    page.select_option("#f-colour", "blue")
    page.fill("#f-bought", "2024-07-01T12:00:00")
    page.fill("#f-tags", "one\ntwo")
    page.set_input_files("#f-cover", files=[{"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}])
    page.click("text=Save >> nth=0")
    page.wait_for_url("**/data/books/*_said=created")
    assert "Jorge" in page.inner_text("main")
    assert "a.txt" in page.inner_text("main")
    page.click("text=Edit")
    page.fill("#f-title", "By hand, twice")
    page.click("main button:has-text('Save')")
    page.wait_for_url("**_said=saved")
    assert page.inner_text("h1") == "By hand, twice"
    window.open("/data/books")
    page.fill("[name=_find]", "hand, twice")
    page.click("button:has-text('Find')")
    page.wait_for_url("**title__icontains**")
    assert "1 record" in page.inner_text(".office-pages")
    window.close()


def test_a_fast_typist_gets_what_he_typed(office: ServedLibrary, chromium: Any) -> None:
    """What is suggested for another text cannot be chosen, and Enter does not send the form meanwhile."""
    window = Window(office.address, chromium, "eve")
    page = window.page
    window.open("/new/books")
    page.focus("#f-author")
    page.wait_for_selector("[role=option]")
    held: list[Any] = []
    page.route("**/lookup/**q=Jor", lambda route: held.append(route))
    with page.expect_request("**/lookup/**q=Jor"):
        page.keyboard.type("Jor")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    assert (page.input_value("#f-author"), page.locator("[role=option]:visible").count()) == ("Jor", 0)
    held.pop().continue_()
    page.wait_for_selector("[role=option]:has-text('Jorge')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#f-author") == "JLB"
    window.close()


def test_two_windows_see_each_others_changes(office: ServedLibrary, chromium: Any) -> None:
    one, other = Window(office.address, chromium, "ann"), Window(office.address, chromium, "eve")
    for window in (one, other):
        window.open("/edit/books/2")
    other.page.fill("#f-title", "Theirs")
    other.page.click("main button:has-text('Save')")
    other.page.wait_for_url("**_said=saved")
    one.page.fill("#f-title", "Mine")
    one.page.fill("#f-blurb", "and this")
    one.page.click("main button:has-text('Save')")
    one.page.wait_for_selector("text=Theirs")
    one.picture("library-conflict")
    one.page.check("[name='_choose.title'][value=yours]")
    one.page.click("text=Save both")
    one.page.wait_for_url("**_said=saved")
    assert one.page.inner_text("h1") == "Mine"
    for window in (one, other):
        window.close()


def test_a_filter_fits_its_field_and_many_are_removed(office: ServedLibrary, chromium: Any) -> None:
    window = Window(office.address, chromium, "eve")
    page = window.page
    window.open("/data/books")
    page.click("summary:has-text('Add a filter')")
    page.select_option("[name=_field]", "colour")
    assert page.get_attribute("[name=_value]", "list") == "filter-choices"
    page.select_option("[name=_field]", "title")
    page.select_option("[name=_op]", "startswith")
    page.fill("[name=_value]", "Volume 5")
    page.click("button:has-text('Filter')")
    page.wait_for_url("**title__startswith**")
    assert "10 records" in page.inner_text(".office-pages")
    page.check("[data-all]")
    assert page.locator("[name=_key]:checked").count() == 10
    page.select_option("#bulk-act", "delete")
    page.click("text=With all that meet the filters")
    page.wait_for_selector("text=This is about 10 records.")
    page.click("main button:has-text('Remove')")
    page.wait_for_url("**_said=removed")
    window.close()


def test_pages_are_read_without_scripts(office: ServedLibrary, chromium: Any) -> None:
    window = Window(office.address, chromium, "eve", java_script_enabled=False)
    window.open("/data/books?sort=-title")
    first = window.page.inner_text("tbody tr >> nth=0")
    window.page.click("text=Next")
    window.page.wait_for_load_state()
    assert window.page.inner_text("tbody tr >> nth=0") != first
    window.open("/data/authors/XSS")
    assert CANARY in window.page.inner_text("h1")
    window.context.close()
