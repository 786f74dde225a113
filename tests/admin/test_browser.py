"""A browser with scripts over a library in three stores: ``make browser``.

Skipped where Chromium is missing (``CHROMIUM`` names it, /usr/bin/chromium otherwise). Pictures go to build/browser.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.back_office import PASSWORD
from tests.support.served_office import CANARY, ServedOffice
from tests.support.sources import HOUSE

_CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_PICTURES = HOUSE / "build" / "browser"
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
    pytest.mark.skipif(not _CHROMIUM.exists(), reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedOffice]:
    with ServedOffice(tmp_path_factory.mktemp("library")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=list(_FLAGS))
        yield browser
        browser.close()


class Window:
    """A window in which somebody is logged in, with all that it complains about."""

    def __init__(self, office: ServedOffice, chromium: Any, login: str, **options: Any) -> None:
        self.office = office
        self.context = chromium.new_context(**options)
        self.complaints: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.open("/")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{office.address}/")

    def open(self, path: str) -> None:
        self.page.goto(self.office.address + path)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.office.address, "data:")):
            self.complaints.append(f"outside: {request.url}")

    def close(self) -> None:
        assert self.complaints == []
        assert self.page.evaluate("window.canary") is None
        self.context.close()


@pytest.mark.parametrize(
    "look, width", [("light", 1280), ("dark", 1280), ("light", 390)], ids=["light", "dark", "narrow"]
)
def test_pages_are_whole_and_run_nothing_of_others(office: ServedOffice, chromium: Any, look: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    window = Window(office, chromium, "ann", color_scheme=look, viewport={"width": width, "height": 900})
    _PICTURES.mkdir(parents=True, exist_ok=True)
    for name, path in _PAGES.items():
        window.open(path)
        window.page.screenshot(path=_PICTURES / f"{name}-{look}-{width}.png", full_page=True)
        found = Axe().run(window.page).response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"]) for each in grave] == [], name
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert window.page.evaluate("window.canary") is None
    window.close()


def test_a_policy_that_is_broken_is_seen(office: ServedOffice, chromium: Any) -> None:
    """The planted fault: a script within a page is refused, and the window complains."""
    window = Window(office, chromium, "ann")
    window.page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.canary = 1';"
        " document.body.append(script)"
    )
    assert any("Content Security Policy" in each for each in window.complaints)
    assert window.page.evaluate("window.canary") is None
    window.context.close()


def test_a_record_is_found_made_and_changed(office: ServedOffice, chromium: Any) -> None:
    window = Window(office, chromium, "eve")
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
    assert "1 records" in page.inner_text(".office-pages")
    window.close()


def test_two_windows_see_each_others_changes(office: ServedOffice, chromium: Any) -> None:
    one, other = Window(office, chromium, "ann"), Window(office, chromium, "eve")
    for window in (one, other):
        window.open("/edit/books/2")
    other.page.fill("#f-title", "Theirs")
    other.page.click("main button:has-text('Save')")
    other.page.wait_for_url("**_said=saved")
    one.page.fill("#f-title", "Mine")
    one.page.fill("#f-blurb", "and this")
    one.page.click("main button:has-text('Save')")
    one.page.wait_for_selector("text=Theirs")
    one.page.screenshot(path=_PICTURES / "conflict-light-1280.png", full_page=True)
    one.page.check("[name='_choose.title'][value=yours]")
    one.page.click("text=Save both")
    one.page.wait_for_url("**_said=saved")
    assert one.page.inner_text("h1") == "Mine"
    for window in (one, other):
        window.close()


def test_a_filter_fits_its_field_and_many_are_removed(office: ServedOffice, chromium: Any) -> None:
    window = Window(office, chromium, "eve")
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


def test_pages_are_read_without_scripts(office: ServedOffice, chromium: Any) -> None:
    window = Window(office, chromium, "eve", java_script_enabled=False)
    window.open("/data/books?sort=-title")
    first = window.page.inner_text("tbody tr >> nth=0")
    window.page.click("text=Next")
    window.page.wait_for_load_state()
    assert window.page.inner_text("tbody tr >> nth=0") != first
    window.open("/data/authors/XSS")
    assert CANARY in window.page.inner_text("h1")
    window.context.close()
