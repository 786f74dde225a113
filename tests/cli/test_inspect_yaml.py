"""Models written for YAML files that people keep: data files of sites, compose files, folders of records."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.store import Look
from holdall.stores.yaml import found_files
from holdall.stores.yaml.describing import describe
from holdall.stores.yaml.files import Folder
from tests.support.foreign import inspected, is_type_checked, runs
from tests.support.terminal import run

_FILES = {
    "navigation.yml": "- title: Home   # first\n  url: /\n- title: Blog\n  url: /blog\n  new-tab: true\n",
    "countries.yaml": (
        "FR:\n  name: France\n  area: 1.5\n  since: 1789-07-14\nDE: {name: Germany, area: 2, tags: [a, b]}\n"
    ),
    "compose.yaml": (
        "version: '3'\nservices:\n  web:\n    image: nginx   # pinned\n    ports: ['80:80']\n"
        "    environment: {MODE: live}\n  db:\n    image: postgres\n    class: big\nvolumes:\n  data:\n"
    ),
    "people/ada.yaml": "name: Ada\nborn: 1815\n",
    "people/bob.yaml": "name: Bob\nclass: b\n",
    "automations.yaml": "- alias: !include x\n",
    "settings.yaml": "title: A\nurl: b\n",
    "odd.yaml": "- a: 1\n- a: 1\n",
    "README.md": "no YAML",
}
_PROGRAM = """
import asyncio
from found import Countries, Navigation, People, Services, app

async def main() -> None:
    async with app.session() as s:
        print(sorted((each.title, each.url) for each in await s.query(Navigation.where())))
        france = await s.require(Countries, key="FR")
        assert france.since is not None
        print(france.name, france.since.year)
        france.area = 1.75
        web = await s.require(Services, key="web")
        web.image = "caddy"
        s.add(Services(key="cache", image="redis"))
        s.add(People(key="eve", name="Eve"))
        (await s.require(People, key="bob")).class_ = "c"

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return tmp_path


def test_models_for_a_folder_of_others_fit_and_run(folder: Path) -> None:
    written = inspected(folder, "yaml:./site")
    assert '"services": YamlCollection(layout="mapping", file="compose.yaml", at="services")' in written
    assert "    since: date | None = None\n" in written
    assert '    new_tab: bool | None = field(default=None, column="new-tab")' in written
    assert "# odd is left out:\n#   no field names each of its items" in written
    assert "# settings is left out:\n#   settings.yaml: it is one document" in written
    assert "# automations is left out:\n#   automations.yaml: line 1" in written
    assert runs(folder, _PROGRAM) == "[('Blog', '/blog'), ('Home', '/')]\nFrance 1789\n"
    is_type_checked(written, "yaml")
    site = folder / "site"
    assert (site / "compose.yaml").read_text() == (
        "version: '3'\nservices:\n  web:\n    image: caddy   # pinned\n    ports: ['80:80']\n"
        "    environment: {MODE: live}\n  db:\n    image: postgres\n    class: big\n  cache:\n    image: redis\n"
        "volumes:\n  data:\n"
    )
    assert (site / "people" / "eve.yaml").read_text() == "key: eve\nname: Eve\n"
    assert (site / "people" / "bob.yaml").read_text() == "name: Bob\nclass: c\n"
    assert "area: 1.75" in (site / "countries.yaml").read_text()
    again = run(folder, "holdall", "inspect", "yaml:./site", "--collection", "people")
    assert "class People(Model)" in again.output
    assert "Services" not in again.output


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    refused = run(tmp_path, "holdall", "inspect", "yaml:./nowhere")
    assert refused.code == 1
    assert "the folder is not there" in refused.errors


@pytest.mark.parametrize(
    "text, option",
    [
        ("a: {x: 1}\nb: {x: 2}\n", ("mapping", "")),
        ("a: {x: 1}\nb: {y: 2}\nc: {z: 3}\n", None),
        ("- {id: 1}\n", ("collection", "")),
        ("- 1\n", None),
        ("x:\n  y:\n    - {id: 1}\n", ("collection", "x.y")),
        ("a.b:\n  - {id: 1}\n", ("collection", "a\\.b")),
        ("en: English\nde: German\n", None),
        ("1: {x: 1}\n2: {x: 2}\n", ("mapping", "")),
        ("1: {x: 1}\na: {x: 2}\n", None),
    ],
)
def test_what_is_taken_for_a_collection(tmp_path: Path, text: str, option: tuple[str, str] | None) -> None:
    (tmp_path / "data.yaml").write_text(text)
    found = [each for each in found_files.found_records(Folder(tmp_path)) if not each.reason]
    assert [(each.option.layout, each.option.at) for each in found] == ([option] if option else [])


@pytest.mark.parametrize("value", ["99999999999999999999", "{1: a}", "[.nan]", '"\\0"'])
def test_records_of_which_a_field_takes_no_value_are_left_out(tmp_path: Path, value: str) -> None:
    (tmp_path / "data.yaml").write_text(f"- id: a\n  x: {value}\n")
    (found,) = describe(Folder(tmp_path), Look()).collections
    assert found.schema.key == ()
    assert found.notes[0].startswith("field 'x' ")
