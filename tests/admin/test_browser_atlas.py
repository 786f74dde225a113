"""A browser with scripts goes through all that the back office of the atlas does, in three looks: ``make browser``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from demo.atlas.flags import flag
from tests.support.served_office import CANARY, ServedAtlas
from tests.support.sources import HOUSE
from tests.support.window import CHROMIUM, LOOKS, PICTURES, Look, Window, browser

pytestmark = [
    pytest.mark.skipif(not os.environ.get("BROWSER"), reason="make browser runs it"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: apt-get install chromium"),
]

_PAGES = {
    "home": "/",
    "countries": "/data/countries",
    "country": "/data/countries/FR",
    "country-edit": "/edit/countries/FR",
    "continents": "/data/continents",
    "cities": "/data/cities",
    "city": "/data/cities/2988507",
    "visits": "/data/visits",
    "canary-visit": "/data/visits?owner__contains=canary",
    "canary-city": "/data/cities/1",
    "canary-country": "/data/countries/XX",
    "nothing-found": "/data/cities?name=Nowhere",
    "wrong-filter": "/data/cities?nonsense=1",
    "tours": "/data/tours?sort=-price&city.country.name__startswith=F",
    "selection": "/select/cities/largest?country=DE",
    "remove": "/delete/cities/2988507",
    "rights": "/access/cities/2988507?login=tom",
    "keys": "/keys",
    "preferences": "/preferences",
    "stores": "/operations/stores",
    "outbox": "/operations/outbox",
    "accounts": "/operations/accounts",
    "tokens": "/operations/accounts?login=ann",
    "no-page": "/nothing",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAtlas]:
    with ServedAtlas(tmp_path_factory.mktemp("atlas")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(params=LOOKS, ids=lambda look: look.name)
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


def test_pages_are_whole(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "ann", look) as window:
        for name, path in _PAGES.items():
            window.open(path)
            window.picture(name)


def test_somebody_logs_in(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        if look.name == "narrow":
            assert not page.is_visible(".office-menu nav")
        page.click("button:has-text('Log out')")
        page.wait_for_selector("#login")
        window.picture("login")
        page.fill("#login", "eve")
        page.fill("#password", "something else")
        page.click("main button")
        page.wait_for_selector("[role=alert]")
        window.picture("login-refused")


def test_a_list_is_filtered_sorted_searched_and_saved(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        window.open("/data/cities")
        page.click("summary:has-text('Add a filter')")
        page.select_option("[name=_field]", "population")
        page.select_option("[name=_op]", "gte")
        page.fill("[name=_value]", "2000000")
        window.picture("filter-open")
        page.click("button:has-text('Filter')")
        page.wait_for_url("**population__gte=2000000**")
        page.click("summary:has-text('Add a filter')")
        page.select_option("[name=_field]", "country.name")
        page.select_option("[name=_op]", "startswith")
        page.fill("[name=_value]", "Ind")
        page.click("button:has-text('Filter')")
        page.wait_for_url("**country.name__startswith=Ind**")
        page.click("thead a:has-text('Name')")
        page.wait_for_url("**sort=name**")
        names = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert names == sorted(names)
        assert len(names) > 5
        page.click("summary:has-text('Save this list')")
        page.fill("[name=_name]", f"Large ones, {look.name}")
        page.click(".office-saved button:has-text('Save')")
        page.wait_for_selector("text=The list was saved.")
        window.picture("filtered-sorted-saved")
        window.open("/data/cities")
        page.click(f"text=Large ones, {look.name}")
        page.wait_for_url("**country.name__startswith=Ind**")
        page.fill("[name=_find]", "bang")
        page.press("[name=_find]", "Enter")
        page.wait_for_url("**name__icontains=bang**")
        assert page.locator("tbody tr").count() == 1
        page.click(f"[aria-label='Forget the saved list: Large ones, {look.name}']")
        page.wait_for_selector("text=The saved list was forgotten.")


def test_a_record_is_made_with_what_it_refers_to(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "tom" if look.name == "dark" else "eve", look) as window:
        page = window.page
        window.open("/new/visits")
        assert page.locator("[name='f.budget']").count() == 0
        page.fill("#f-title", f"Two days there, {look.name}")
        page.fill("#f-city", "Par")
        page.wait_for_selector("[role=option]")
        window.picture("type-ahead")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.input_value("#f-city").isdecimal()
        if look.name != "dark":
            _made_in_place(window, look)
        page.click("button:has-text('Save') >> nth=0")
        page.wait_for_url("**/data/visits/*_said=created")
        window.picture("visit-made")
        assert "Budget" not in page.inner_text("main")
        assert ("Sandcastle" in page.inner_text("main")) == (look.name != "dark")


def _made_in_place(window: Window, look: Look) -> None:
    page = window.page
    page.click("a[data-make='f-city']")
    page.wait_for_selector("dialog[open]")
    page.click("dialog button:has-text('Save')")
    page.wait_for_selector("dialog .office-wrong")
    window.picture("make-in-place")
    key = str(900_000_000 + LOOKS.index(look))
    given = {"id": key, "name": "Sandcastle", "latitude": "1.5", "longitude": "2", "population": "3"}
    for name, text in (given | {"timezone": "Europe/Paris"}).items():
        page.fill(f"#made-f-{name}", text)
    page.fill("#made-f-country", "Fran")
    page.wait_for_selector("dialog [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.click("dialog button:has-text('Save')")
    page.wait_for_selector("dialog", state="detached")
    assert page.input_value("#f-city") == key
    assert page.evaluate("document.activeElement.id") == "f-city"


def test_a_tour_is_made_at_somebody_elses_api(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        page.click("text=Tours of the travel agency")
        page.wait_for_url("**/data/tours")
        assert "Up the Rhine" in page.inner_text("main")
        page.click("main a:has-text('New')")
        page.fill("#f-name", f"Along the coast, {look.name}")
        page.fill("#f-city", "Sydn")
        page.wait_for_selector("[role=option]:has-text('Sydney')")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.fill("#f-price", "99.50")
        page.click("main button:has-text('Save') >> nth=0")
        page.wait_for_url("**/data/tours/*_said=created")
        page.click("main .btn-list a:has-text('Edit')")
        page.fill("#f-days", "12")
        page.click("main button:has-text('Save')")
        page.wait_for_url("**_said=saved")
        window.picture("tour-changed")
        text = page.inner_text("main")
        assert ("Sydney" in text, "99.50" in text, "12" in text) == (True, True, True)


def test_every_widget_gives_its_value(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "ann", look) as window:
        page = window.page
        window.open("/data/visits?sort=id")
        page.click("tbody tr:has-text('A week in') >> nth=0 >> a >> nth=0")
        page.click("text=Edit")
        page.fill("#f-title", f"A week, {look.name}")
        page.select_option("#f-mood", "tired")
        page.fill("#f-day", "2026-05-04")
        page.fill("#f-arrived", "2026-05-04T18:30:00")
        page.fill("#f-breakfast", "07:45:00")
        page.fill("#f-lasted", "P3DT2H")
        page.fill("#f-cost", "99.95")
        page.fill("#f-rating", "8.5")
        page.set_checked("#f-again", look.name != "dark")
        page.check("[name='f.stay(null)']")
        page.fill("[name='f.stay.house']", "Under the roof")
        page.fill("[name='f.stay.nights']", "3")
        page.fill("[name='f.legs.2.by']", "boat")
        page.fill("[name='f.legs.2.hours']", "1.5")
        page.click("button:has-text('Another')")
        page.fill("[name='f.legs.3.by']", "bicycle")
        page.fill("#f-companions", "Ada\nGrace")
        page.locator("#f-through + input").press_sequentially("Belg")
        page.wait_for_selector("[role=option]")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert "BE" in page.input_value("#f-through")
        page.fill("#f-receipt", "12345678-1234-5678-1234-567812345678")
        page.fill("#f-notes", '{"rain": [1, 2')
        page.wait_for_selector("#f-notes.is-invalid")
        page.fill("#f-notes", '{"rain": [1, 2]}')
        page.click("button:has-text('Tidy up')")
        assert page.input_value("#f-notes") == '{\n  "rain": [\n    1,\n    2\n  ]\n}'
        page.fill("#f-text", "First line.\n\nLast line.")
        page.fill("#f-budget", str(500 + LOOKS.index(look)))
        picture = {"name": "stripes.png", "mimeType": "image/png", "buffer": flag("|bwr")}
        page.set_input_files("#f-photo", files=[picture])
        page.wait_for_selector("img[alt='stripes.png']")
        window.picture("every-widget")
        page.keyboard.press("Control+s")
        page.wait_for_url("**_said=saved")
        window.picture("visit-changed")
        text = page.inner_text("main")
        for told in (f"A week, {look.name}", "tired", "99.95", "Under the roof", "bicycle", "Grace", "Belgium", "rain"):
            assert told in text, told
        loaded = page.locator("img.office-preview").evaluate("image => image.decode().then(() => image.naturalWidth)")
        assert loaded == 90


def test_two_browsers_change_one_record(office: ServedAtlas, chromium: Any, look: Look) -> None:
    city = f"/edit/cities/{(2950159, 2643743, 3117735)[LOOKS.index(look)]}"
    with Window(office.address, chromium, "ann", look) as one, Window(office.address, chromium, "eve") as other:
        for window in (one, other):
            window.open(city)
        other.page.fill("#f-population", "4000001")
        other.page.fill("#f-region", "R7")
        other.page.click("main button:has-text('Save')")
        other.page.wait_for_url("**_said=saved")
        one.page.fill("#f-population", "4000002")
        one.page.fill("#f-timezone", "Europe/Somewhere")
        one.page.click("main button:has-text('Save')")
        one.page.wait_for_selector("text=4,000,001")
        one.picture("conflict")
        one.page.check("[name='_choose.population'][value=yours]")
        one.page.click("text=Save both")
        one.page.wait_for_url("**_said=saved")
        text = one.page.inner_text("main")
        assert ("4,000,002" in text, "R7" in text, "Europe/Somewhere" in text) == (True, True, True)


def test_an_action_is_done_on_all_that_meet_a_filter(office: ServedAtlas, chromium: Any, look: Look) -> None:
    country = ("ES", "PL", "IT")[LOOKS.index(look)]
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        window.open(f"/data/cities?country={country}")
        page.select_option("#bulk-act", "act.round-population")
        page.click("text=With all that meet the filters")
        page.wait_for_selector("text=This is about")
        page.fill("#f-to", "1000")
        window.picture("bulk-question")
        page.click("main form button.btn-primary")
        page.wait_for_selector("text=Done.")
        window.picture("bulk-done")
        page.click("text=Back")
        assert page.locator("tbody tr").count() > 3
        window.open(f"/data/cities?country={country}&sort=population")
        numbers = page.locator("tbody td.office-number").all_inner_texts()
        assert all(each.replace(",", "").endswith("000") for each in numbers), numbers


def test_an_action_that_lasts_tells_so_and_then_its_result(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        window.open("/act/cities/dawdle")
        page.click("main form button.btn-primary", no_wait_after=True)
        page.wait_for_selector("text=Under way; the result comes on this page.")
        page.screenshot(path=PICTURES / f"action-under-way-{look.name}.png")
        page.wait_for_selector("text=there was no hurry")
        assert not page.is_visible("text=Under way; the result comes on this page.")
        window.picture("action-over")


def test_a_list_is_exported(office: ServedAtlas, chromium: Any) -> None:
    with Window(office.address, chromium, "eve") as window:
        window.open("/data/countries?continent=OC")
        with window.page.expect_download() as started:
            window.page.click("main a:has-text('CSV')")
        lines = started.value.path().read_text().splitlines()
        assert started.value.suggested_filename == "countries.csv"
        assert lines[0].startswith("code,")
        assert len(lines) > 20


def test_a_record_becomes_what_it_was(office: ServedAtlas, chromium: Any, look: Look) -> None:
    key = (4887398, 5391959, 5809844)[LOOKS.index(look)]
    with Window(office.address, chromium, "eve", look) as window:
        page = window.page
        for name in ("Wrong name", "Another wrong name"):
            window.open(f"/edit/cities/{key}")
            was = page.input_value("#f-name")
            page.fill("#f-name", name)
            page.click("main button:has-text('Save')")
            page.wait_for_url("**_said=saved")
        window.picture("latest-changes")
        page.click("main .btn-list a:has-text('History')")
        page.wait_for_url("**/history/**")
        window.picture("history")
        page.click("a:has-text('Edit as it was then') >> nth=1")
        page.wait_for_url("**_as_of=**")
        assert page.input_value("#f-name") == was == "Wrong name"
        page.click("main button:has-text('Save')")
        page.wait_for_url("**_said=saved")
        assert page.inner_text("h1") == "Wrong name"


def test_what_somebody_may_not_read_or_change_is_absent(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "tom", look) as window:
        page = window.page
        window.open("/data/cities/2988507")
        assert page.locator("text=Edit").count() == 0
        assert page.locator("text=Latest changes").count() == 0
        window.open("/data/visits?status=draft")
        assert "A week in" not in page.inner_text("main")
        window.open("/operations/stores")
        window.picture("not-there")
        assert "There is no such page" in page.inner_text("h1")


def test_an_unfinished_commit_of_a_killed_process_is_ended(office: ServedAtlas, chromium: Any, look: Look) -> None:
    key = 910_000_000 + LOOKS.index(look)
    died = subprocess.run([sys.executable, "-m", "tests.support.atlas_victim", str(office.folder), str(key)], cwd=HOUSE)
    assert died.returncode == 9
    with Window(office.address, chromium, "ann", look) as window:
        page = window.page
        window.open("/operations/commits")
        window.picture("unfinished-commit")
        text = page.inner_text("main")
        assert ("diary" in text, "main" in text, "visits" in text) == (True, True, True)
        page.click("button:has-text('Finish')")
        page.wait_for_selector("text=No commit is unfinished.")
        window.picture("no-unfinished-commit")
        window.open(f"/data/visits?city={key}")
        assert "Left behind" in page.inner_text("main")


def test_jobs_and_checks_tell_how_far_they_are(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "ann", look) as window:
        page = window.page
        window.open("/operations/jobs")
        page.click("button:has-text('Start')")
        page.wait_for_selector("tbody tr")
        window.picture("job-begun")
        page.wait_for_selector("#jobs:not([data-poll])")  # without loading the page again
        assert "done" in page.inner_text("tbody tr >> nth=0")
        window.picture("job-done")
        window.open("/operations/fsck")
        page.click("main button >> nth=0")
        page.wait_for_selector("#check:not([data-poll]) .alert")
        window.picture("check-done")


def test_faults_and_dead_letters_are_found(office: ServedAtlas, chromium: Any, look: Look) -> None:
    office.run(_damage(office))
    with Window(office.address, chromium, "ann", look) as window:
        page = window.page
        window.open("/operations/fsck")
        page.click("main button >> nth=0")
        page.wait_for_selector("#check:not([data-poll]) tbody tr")
        window.picture("check-findings")
        assert ("without its target" in page.inner_text("main")) or "dangling" in page.inner_text("main")
        window.open("/operations/outbox")
        assert "dead letter" in page.inner_text("main")
        assert CANARY in page.inner_text("main")
        page.click("main table form button:has-text('Forget') >> nth=-1")
        page.wait_for_selector("text=Done.")


async def _damage(office: ServedAtlas) -> None:
    """Have a visit refer to a city that is nowhere, as an editor of its file may."""
    file = sorted((office.folder / "diary" / "visits").glob("*.md"))[0]
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join("city: 77\n" if each.startswith("city:") else each for each in lines))


def test_accounts_are_added_and_closed(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "ann", look) as window:
        page = window.page
        window.open("/operations/accounts")
        page.fill("#new-login", f"kim-{look.name}")
        page.fill("#new-password", "long enough password")
        page.fill("#new-roles", "editor")
        page.click("button:has-text('Add')")
        page.wait_for_selector("text=Done.")
        window.open(f"/operations/accounts?login=kim-{look.name}")
        page.fill("#token-name", "nightly")
        page.click("button:has-text('New token')")
        page.wait_for_selector("text=Shown this once")
        window.picture("new-token")
        page.click("button:has-text('Take back')")
        page.wait_for_selector("text=There are no tokens.")
        page.click(f"tr:has-text('kim-{look.name}') button:has-text('Deactivate')")
        page.wait_for_selector("button:has-text('Activate')")


def test_keys_do_what_their_page_says(office: ServedAtlas, chromium: Any) -> None:
    with Window(office.address, chromium, "eve") as window:
        page = window.page
        window.open("/data/cities")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("x")
        assert page.locator("[name=_key]:checked").count() == 1
        page.keyboard.press(".")
        page.wait_for_url("**after=**")
        page.keyboard.press(",")
        page.wait_for_url(lambda address: "after=" not in address)
        page.keyboard.press("/")
        page.keyboard.type("nj")
        assert page.input_value("[name=_find]") == "nj"
        window.open("/data/cities/2988507")
        page.keyboard.press("e")
        page.wait_for_url("**/edit/**")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        page.wait_for_url("**/keys")


def test_pages_are_read_without_scripts(office: ServedAtlas, chromium: Any, look: Look) -> None:
    with Window(office.address, chromium, "eve", look, java_script_enabled=False) as window:
        page = window.page
        page.evaluate = lambda text: None  # nothing can be asked of a page without scripts
        window.open("/data/cities?sort=name")
        first = page.inner_text("tbody tr >> nth=0")
        page.click("text=Next")
        page.wait_for_load_state()
        assert page.inner_text("tbody tr >> nth=0") != first
        page.screenshot(path=PICTURES / f"without-scripts-{look.name}.png", full_page=True)
        window.open("/data/cities/2988507")
        assert page.inner_text("h1") == "Paris"
        window.open("/edit/cities/2988507")
        page.fill("#f-region", "11")
        page.click("main button:has-text('Save')")
        page.wait_for_load_state()
        assert "aved" in page.inner_text("[role=status]")
        window.open("/data/cities/1")
        assert CANARY in page.inner_text("h1")


def test_a_script_within_a_page_is_refused_and_seen(office: ServedAtlas, chromium: Any) -> None:
    """The planted fault: a script within a page is refused, and the window complains."""
    window = Window(office.address, chromium, "ann")
    window.page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.canary = 1';"
        " document.body.append(script)"
    )
    assert any("Content Security Policy" in each for each in window.complaints)
    with pytest.raises(AssertionError):
        window.close()
    window.context.close()
