"""Pages in English, French and German, light and dark, each as its reader chose."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from babel.messages.pofile import read_po

from tests.support.back_office import library, visitor
from tests.support.office_words import texts
from tests.support.paper_browser import PaperBrowser

pytestmark = pytest.mark.anyio

_PLACE = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("language", ["fr", "de"])
def test_every_text_is_told_in_every_language(language: str) -> None:
    with files("holdall.admin").joinpath("translations", f"{language}.po").open("rb") as file:
        known = {str(each.id): str(each.string) for each in read_po(file) if each.id}
    assert sorted(texts() - known.keys()) == []
    wrong = [text for text, told in known.items() if sorted(_PLACE.findall(text)) != sorted(_PLACE.findall(told))]
    assert wrong == []


def test_texts_of_pages_are_found() -> None:
    found = texts()
    assert {"Save both", "Edit: {name}", "must wait"} - found == {"must wait"}
    assert len(found) > 120


async def test_a_browser_is_answered_in_its_language_until_somebody_chooses() -> None:
    _, service, _ = await library()
    browser = await visitor(service, "eve")
    french = PaperBrowser(service, accept_language="es, fr-CH;q=0.9, en;q=0.5")
    french.cookies = browser.cookies
    page = await french.open("/admin/data/books")
    assert 'lang="fr"' in page.html
    assert "5 fiches" in page.text
    page = await french.open("/admin/preferences")
    chosen = page.form().filled(language="de", look="dark", zone="Europe/Berlin")
    page = await french.submit(page, chosen)
    page = await french.open("/admin/data/books")
    assert 'lang="de"' in page.html
    assert 'data-bs-theme="dark"' in page.html
    wrong = await french.open("/admin/preferences")
    assert (await french.submit(wrong, wrong.form().filled(zone="Nowhere/At all"))).status == 422
