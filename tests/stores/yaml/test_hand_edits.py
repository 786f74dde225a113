"""Files that people edit: what they change is seen, what they wrote is kept, what cannot be read is refused by name."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import CorruptRecord, LimitExceeded, StoreError, StoreUnavailable
from holdall.query import Query
from holdall.store import Change
from tests.support.yaml_collections import add, atlas, remove, row, rows, run, update

FRANCE = """\
# The Hexagon
name:    'France'   # short name
code: FR

# counted 2024
population: 68_000_000  # not a number in YAML 1.2
area: 551695.00
notes:
  - "one"   # first
  - two
neighbours: [DE]  # more to come
"""
GERMANY = "name: Germany\n"
LISTED = """\
# All of them

- code: FR     # first
  name: "France"
  population: 68

# the next one
- name: Germany
  code: DE
  notes: {a: 1,   b: 2}
# the end
"""


def test_a_file_without_a_key_has_the_key_its_name_says(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    (tmp_path / "Country" / "DE.yaml").write_text(GERMANY)
    assert row(store, "Country", "DE") == ("DE", "Germany", None, None, None, None, None)


@pytest.mark.parametrize(
    "changes, before, after",
    [
        ({"name": "la France"}, "'France'", "la France"),
        ({"population": 1}, "68", "1"),
        ({"population": None}, "68", "null"),
        ({"area": Decimal("1.50")}, "551695.00", '"1.50"'),
        ({"neighbours": ("DE", "FR")}, "[DE]", "[DE, FR]"),
        ({"notes": "a, b: c"}, '\n  - "one"   # first\n  - two', ' "a, b: c"'),
        ({"name": "A", "area": None}, "", ""),
    ],
)
def test_only_what_changes_is_touched(tmp_path: Path, changes: dict[str, Any], before: str, after: str) -> None:
    store = atlas(tmp_path)
    text = FRANCE.replace("68_000_000", "68")
    file = tmp_path / "Country" / "FR.yaml"
    file.write_text(text)
    (tmp_path / "Country" / "DE.yaml").write_text(GERMANY)
    run(store.apply([update("Country", "FR", **changes)]))
    result = file.read_text()
    if len(changes) == 1 and "notes" not in changes:
        assert result == text.replace(before, after)
    for comment in ("# The Hexagon", "# short name", "# counted 2024", "# not a number", "# more to come"):
        assert comment in result
    stored = row(store, "Country", "FR")
    assert stored is not None
    names = ("code", "name", "population", "area", "founded", "notes", "neighbours")
    assert {name: stored[names.index(name)] for name in changes} == changes
    assert (tmp_path / "Country" / "DE.yaml").read_text() == GERMANY


def test_a_value_without_a_place_is_appended(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    file = tmp_path / "Country" / "DE.yaml"
    file.write_bytes(b"name: Germany  # big\r\n# end\r\n")
    run(store.apply([update("Country", "DE", population=84)]))
    assert file.read_bytes() == b"name: Germany  # big\r\npopulation: 84\r\n# end\r\n"


def test_a_list_keeps_its_comments(tmp_path: Path) -> None:
    store = atlas(tmp_path, "collection")
    file = tmp_path / "Country.yaml"
    file.write_text(LISTED)
    run(store.apply([update("Country", "FR", name="La France"), update("Country", "DE", population=84)]))
    expected = LISTED.replace('"France"', "La France").replace("b: 2}\n", "b: 2}\n  population: 84\n")
    assert file.read_text() == expected
    run(store.apply([remove("Country", "FR"), add("Country", code="BE", name="Belgium")]))
    kept = expected.replace("- code: FR     # first\n  name: La France\n  population: 68\n", "")
    assert file.read_text().startswith(kept)
    assert set(rows(store, "Country")) == {"DE", "BE"}
    assert file.read_text().endswith("# the end\n- code: BE\n  name: Belgium\n  neighbours: []\n")
    run(store.apply([remove("Country", "DE"), remove("Country", "BE")]))
    assert rows(store, "Country") == {}
    assert "# All of them" in file.read_text()


def test_an_indented_list_and_a_list_on_one_line(tmp_path: Path) -> None:
    store = atlas(tmp_path, "collection")
    file = tmp_path / "Country.yaml"
    file.write_text("  - code: FR\n    name: France # x\n  - code: DE\n    name: Germany\n")
    run(
        store.apply(
            [update("Country", "FR", name="F", notes=["a" * 50, "b" * 50]), add("Country", code="BE", name="B")]
        )
    )
    assert "# x" in file.read_text()
    assert rows(store, "Country")["FR"][5] == ["a" * 50, "b" * 50]
    file.write_text("[{code: FR, name: France}, {code: DE, name: Germany}]  # short")
    run(store.apply([update("Country", "FR", name="F"), remove("Country", "DE")]))
    assert {key: found[1] for key, found in rows(store, "Country").items()} == {"FR": "F"}
    run(store.apply([add("Country", code="IT", name="Italy")]))
    assert set(rows(store, "Country")) == {"FR", "IT"}


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_every_edit_is_seen_at_once(tmp_path: Path, layout: Any) -> None:
    store = atlas(tmp_path, layout)
    file = tmp_path / "Country" / "FR.yaml" if layout == "record" else tmp_path / "Country.yaml"
    dash, space = ("", "") if layout == "record" else ("- ", "  ")
    for number in range(200):  # same size, same inode, a few microseconds apart
        file.write_text(f"{dash}code: FR\n{space}name: n{number:03}\n")
        found = row(store, "Country", "FR") if number % 2 else rows(store, "Country")["FR"]
        assert found is not None
        assert found[1] == f"n{number:03}"
    file.unlink()
    assert row(store, "Country", "FR") is None
    assert rows(store, "Country") == {}


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("act", ["change", "remove", "add", "change several"])
def test_what_a_hand_writes_at_the_same_moment_is_not_lost(tmp_path: Path, layout: Any, act: str) -> None:
    store = atlas(tmp_path, layout)
    run(store.apply([add("Country", code="FR", name="France"), add("City", name="Paris", visits=0, version=1)]))
    record = tmp_path / ("Country/IT.yaml" if act == "add" else "Country/FR.yaml")
    file = record if layout == "record" else tmp_path / "Country.yaml"
    changes = {
        "change": [update("Country", "FR", name="Gallia")],
        "remove": [remove("Country", "FR")],
        "add": [add("Country", code="IT", name="Italia")],
        "change several": [update("City", 1, name="Lutetia"), update("Country", "FR", name="Gallia")],
    }[act]
    kept = "name: by hand\n" if layout == "record" else "- code: XX\n  name: by hand\n"

    def write(stage: str) -> None:
        if stage == "staged":
            file.write_text(kept)

    store._journal.reached = write
    with pytest.raises(StoreUnavailable, match="by hand"):
        run(store.apply(changes))
    store._journal.reached = lambda stage: None
    assert file.read_text() == kept
    assert [path for path in tmp_path.rglob("*") if path.name.startswith((".holdall-", "journal"))] == []
    key = "XX" if layout == "collection" else record.stem
    assert rows(store, "Country")[key][1] == "by hand"
    run(store.apply([update("Country", key, name="again")]))
    assert rows(store, "Country")[key][1] == "again"


def test_a_returned_record_is_the_callers_own(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    notes: list[Any] = [{"a": [1]}]
    run(store.apply([add("Country", code="FR", name="France", notes=notes)]))
    notes[0]["a"].append(2)
    for _ in range(2):
        found = row(store, "Country", "FR")
        assert found is not None
        assert found[5] == [{"a": [1]}]
        found[5][0]["a"].append(3)


BROKEN = [
    ("name: F\nnmae: x", "nmae.*did you mean name"),
    ("name: F\ncolour: x", "colour.*there are code, name"),
    ("population: 1", "name.*is missing"),
    ("name: null", "name.*a value is needed"),
    ("name: 12", "name.*text is expected.*in quotes"),
    ("name: F\npopulation: many", "population.*whole number"),
    ("name: F\nnotes: {a: {1: 2}}", "notes.a.*in quotes"),
    ("name: F\nfounded: 2020-13-01", "founded.*a date"),
    ("name: F\nneighbours: DE", "neighbours.*a list"),
    ("code: DE\nname: F", "code.*file's name"),
    ("name: &a F", "anchors"),
    ("name: *a", "aliases"),
    ("name: !x F", "tags"),
    ("name: F\nname: G", "twice"),
    ("name: F\nnotes: " + "[" * 60 + "]" * 60, "nested deeper"),
    ("- name: F", "a mapping"),
    ("", "empty"),
    ("name: [", "line"),
    ("name: F\n---\nname: G", "second document"),
    ('name: "a\\0b"', "NUL"),
    ("name: F\0", "NUL"),
]


@pytest.mark.parametrize("text, reason", BROKEN)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, reason: str) -> None:
    store = atlas(tmp_path)
    (tmp_path / "Country" / "DE.yaml").write_text(GERMANY)
    file = tmp_path / "Country" / "FR.yaml"
    file.write_text(text)
    for attempt in (lambda: rows(store, "Country"), lambda: row(store, "Country", "FR")):
        with pytest.raises(CorruptRecord, match=f"Country/FR.yaml cannot be read: .*{reason}"):
            attempt()
    problems = run(store.inspect())
    assert len(problems) == 1
    assert problems[0].startswith("Country/FR.yaml: ")
    assert file.read_text() == text
    file.write_text("name: F")
    assert set(rows(store, "Country")) == {"DE", "FR"}


@pytest.mark.parametrize("text, reason", BROKEN)
def test_what_cannot_be_read_keeps_nobody_from_its_neighbours(tmp_path: Path, text: str, reason: str) -> None:
    store = atlas(tmp_path)
    (tmp_path / "Country" / "DE.yaml").write_text(GERMANY)
    file = tmp_path / "Country" / "FR.yaml"
    file.write_text(text)
    assert row(store, "Country", "DE") is not None
    run(store.apply([add("Country", code="IT", name="Italy"), update("Country", "DE", population=84)]))
    run(store.apply([add("City", name="Nice", country="FR", visits=0, version=1), remove("Country", "IT")]))
    found = row(store, "Country", "DE")
    assert found is not None
    assert found[2] == 84
    assert row(store, "Country", "IT") is None
    assert file.read_text() == text


@pytest.mark.parametrize("text, reason", BROKEN)
def test_what_cannot_be_read_is_mended_in_its_field_refused_or_removed(tmp_path: Path, text: str, reason: str) -> None:
    store = atlas(tmp_path)
    file = tmp_path / "Country" / "FR.yaml"
    file.write_text(text)
    with pytest.raises(CorruptRecord) as caught:
        row(store, "Country", "FR")
    assert caught.value.key == "FR"
    assert caught.value.fields
    assert caught.value.rows[0][0] == "FR"
    changes = dict.fromkeys(caught.value.fields)
    try:
        run(store.apply([update("Country", "FR", **changes | {"name": "France"})]))
    except StoreError:
        assert file.read_text() == text
        run(store.apply([remove("Country", "FR")]))
        assert rows(store, "Country") == {}
    else:
        found = row(store, "Country", "FR")
        assert found is not None
        assert found[1] == "France"


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_a_record_that_cannot_be_read_is_told_with_the_rest_of_the_answer(tmp_path: Path, layout: Any) -> None:
    store = atlas(tmp_path, layout)
    codes = ["BE", "DE", "FR"]
    run(store.apply([add("Country", code=code, name=code, population=7) for code in codes]))
    file = tmp_path / "Country.yaml" if layout == "collection" else tmp_path / "Country" / "DE.yaml"
    indent = "  " if layout == "collection" else ""
    file.write_text(file.read_text().replace("name: DE\n", f"name: DE\n{indent}founded: long ago\n"))
    with pytest.raises(CorruptRecord, match=r"founded.*a date") as caught:
        rows(store, "Country")
    assert sorted(str(found[0]) for found in caught.value.rows) == codes
    assert caught.value.key == "DE"
    assert caught.value.fields == ("founded",)
    for code in ("BE", "FR"):
        assert row(store, "Country", code) is not None
    assert run(store.count(Query("Country"))) == 3
    run(store.apply([update("Country", "FR", name="France"), add("Country", code="IT", name="Italy")]))
    assert "founded: long ago\n" in file.read_text()
    run(store.apply([update("Country", "DE", founded=None)]))
    assert sorted(rows(store, "Country")) == [*codes, "IT"]
    assert "long ago" not in file.read_text()


def test_a_broken_list_names_the_item(tmp_path: Path) -> None:
    store = atlas(tmp_path, "collection")
    file = tmp_path / "Country.yaml"
    for text, reason in (
        ("- code: FR\n  name: F\n- code: DE\n", r"\[1\].name: it is missing"),
        ("code: FR\nname: F", "begins with a dash"),
        ("- code: FR\n  name: F\n- code: FR\n  name: G", r"\[1\] has the same key as \[0\]"),
    ):
        file.write_text(text)
        with pytest.raises(CorruptRecord, match=f"Country.yaml cannot be read: .*{reason}"):
            rows(store, "Country")
        assert len(run(store.inspect())) == 1


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    (tmp_path / "Country" / "FR.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(CorruptRecord, match="not UTF-8"):
        rows(store, "Country")


def test_a_huge_file(tmp_path: Path) -> None:
    store = atlas(tmp_path, max_file_bytes=1000)
    file = tmp_path / "Country" / "FR.yaml"
    file.write_text("name: F\n" + "# " + "x" * 1000)
    with pytest.raises(CorruptRecord, match="larger than 1000 bytes"):
        rows(store, "Country")
    file.unlink()
    with pytest.raises(LimitExceeded):
        run(store.apply([add("Country", code="FR", name="x" * 1000)]))
    assert rows(store, "Country") == {}


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_too_many_records(tmp_path: Path, layout: Any) -> None:
    store = atlas(tmp_path, layout, max_records=3)
    run(store.apply([add("Country", code=f"C{n}", name="x") for n in range(3)]))
    with pytest.raises(LimitExceeded):
        run(store.apply([add("Country", code="C3", name="x")]))
    assert len(rows(store, "Country")) == 3


def test_links_and_things_that_are_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: secret\n")
    root = tmp_path / "root"
    store = atlas(root)
    link = root / "Country" / "FR.yaml"
    link.symlink_to(secret)
    for attempt in (lambda: rows(store, "Country"), lambda: row(store, "Country", "FR")):
        with pytest.raises(CorruptRecord, match="symbolic link"):
            attempt()
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(CorruptRecord, match="not a plain file"):
        rows(store, "Country")
    link.unlink()
    link.mkdir()
    with pytest.raises(CorruptRecord, match="not a plain file"):
        rows(store, "Country")
    link.rmdir()
    (root / "Country").rmdir()
    (root / "Country").symlink_to(tmp_path)
    with pytest.raises(CorruptRecord, match="symbolic link"):
        rows(store, "Country")
    with pytest.raises(CorruptRecord, match="symbolic link"):
        run(store.apply([add("Country", code="IT", name="Italy")]))
    assert secret.read_text() == "name: secret\n"
    listed = atlas(tmp_path / "listed", "collection")
    (tmp_path / "listed" / "Country.yaml").symlink_to(secret)
    with pytest.raises(CorruptRecord, match="symbolic link"):
        rows(listed, "Country")


def test_no_key_leads_out_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = atlas(root)
    keys = [
        "..",
        ".",
        "../x",
        "/etc/passwd",
        "a/b",
        "",
        "FR",
        "fr",
        "Fr",
        "con",
        "x" * 500,
        "x" * 499 + "y",
        "X" * 100,
        "x" * 100,
        "a.yaml",
        "%41",
    ]
    run(store.apply([add("Country", code=key, name=key) for key in keys]))
    assert {key: found[1] for key, found in rows(store, "Country").items()} == {key: key for key in keys}
    for key in keys:
        found = row(store, "Country", key)
        assert found is not None
        assert found[1] == key
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root"]
    names = [path.name.lower() for path in (root / "Country").iterdir()]
    assert len(set(names)) == len(keys)
    run(store.apply([update("Country", key, name="new") for key in keys]))
    run(store.apply([remove("Country", key) for key in keys]))
    assert list((root / "Country").iterdir()) == []


def test_names_of_files_that_are_no_keys(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    folder = tmp_path / "City"
    for name, reason in (("x", "whole number"), ("01", "rename it"), ("1,2", "2 parts"), ("%zz", "hexadecimal")):
        (folder / f"{name}.yaml").write_text("name: x\nvisits: 0\nversion: 1\n")
        with pytest.raises(CorruptRecord, match=reason):
            rows(store, "City")
        (folder / f"{name}.yaml").unlink()
    for name in (".1.yaml.swp", "1.yaml~", "README.md"):
        (folder / name).write_text("anything")
    assert rows(store, "City") == {}
    assert [problem.partition(":")[0] for problem in run(store.inspect())] == ["City/1.yaml~", "City/README.md"]
    (tmp_path / "Country" / "FR.yaml").write_text("name: a")
    (tmp_path / "Country" / "%46R.yaml").write_text("name: b")
    with pytest.raises(CorruptRecord, match="has the same key"):
        rows(store, "Country")


def test_inspect_finds_what_hands_have_broken(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    run(store.apply([add("Country", code="FR", name="France")]))
    assert run(store.inspect()) == []
    for key, name in ((1, "Paris"), (2, "Paris")):
        (tmp_path / "City" / f"{key}.yaml").write_text(f"name: {name}\ncountry: XX\nvisits: 0\nversion: 1\n")
    problems = run(store.inspect())
    assert len([problem for problem in problems if "refers to Country 'XX'" in problem]) == 2
    assert len([problem for problem in problems if "has the same name" in problem]) == 1
    run(store.drop())
    assert [problem.split()[0] for problem in run(store.inspect())] == ["folder", "folder"]
    assert run(atlas(tmp_path / "x").inspect()) == []
    assert run(atlas(tmp_path / "y", "collection").inspect()) == []
    assert [text.split()[0] for text in run(atlas(tmp_path / "x", "collection").inspect())] == ["Country", "City"]
    (tmp_path / "x" / "City.yaml").write_text("[]")
    assert [text.split()[0] for text in run(atlas(tmp_path / "x").inspect())] == ["City.yaml"]


def test_drop_leaves_what_is_not_ours(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    run(store.apply([add("Country", code="FR", name="France"), add("City", name="Paris", visits=0, version=1)]))
    (tmp_path / "City" / "README.md").write_text("about cities")
    (tmp_path / "other.txt").write_text("mine")
    run(store.drop())
    assert not (tmp_path / "Country").exists()
    assert [path.name for path in (tmp_path / "City").iterdir()] == ["README.md"]
    assert (tmp_path / "other.txt").exists()
    run(store.create())
    assert run(store.apply([add("City", name="Paris", visits=0, version=1)]))[0].key == 1


def test_keys_are_not_given_twice(tmp_path: Path) -> None:
    store = atlas(tmp_path)

    def new(name: str) -> Change:
        return add("City", name=name, visits=0, version=1)

    assert [outcome.key for outcome in run(store.apply([new("a"), new("b")]))] == [1, 2]
    run(store.apply([remove("City", 2)]))
    assert run(atlas(tmp_path).apply([new("c")]))[0].key == 3
    run(store.apply([add("City", id=10, name="d", visits=0, version=1), remove("City", 10)]))
    assert run(store.apply([new("e")]))[0].key == 11
    (tmp_path / "City" / "20.yaml").write_text("name: f\nvisits: 0\nversion: 1\n")
    assert run(store.apply([new("g")]))[0].key == 21
    (tmp_path / ".holdall" / "counters.json").write_text("{broken")
    with pytest.raises(CorruptRecord, match="remove it"):
        run(store.apply([new("h")]))
    assert len(run(store.fetch(Query("City")))) == 5


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["", "  "])
def test_a_folded_or_nested_value_is_replaced_beside_comments(tmp_path: Path, newline: str, indent: str) -> None:
    store = atlas(tmp_path, "collection")
    lines = [
        "- code: FR # one",
        "  # two",
        "  name: >-",
        "    folded",
        "    text",
        "  notes:",
        "    - 1",
        "    - 2",
        "",
    ]
    text = newline.join(indent + line if line else "" for line in lines) + newline + "# tail" + newline
    file = tmp_path / "Country.yaml"
    file.write_bytes(b"# head" + newline.encode() + text.encode())
    run(store.apply([update("Country", "FR", name="\x82 x: y", notes="a\nb\n")]))
    found = file.read_bytes().decode()
    assert rows(store, "Country")["FR"][1] == "\x82 x: y"
    assert rows(store, "Country")["FR"][5] == "a\nb\n"
    assert [word for word in ("# head", "# one", "# two", "# tail") if word not in found] == []
    assert "\r\r" not in found
    assert found.count(newline) == found.count("\n")
