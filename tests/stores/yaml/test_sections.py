"""Collections that are a mapping by key, or lie inside a larger file: read, and edited with everything else kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.errors import AlreadyExists, CorruptRecord, DeclarationError, StoreError
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.yaml import YamlCollection, YamlStore, open_yaml, section
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.section import Section, SectionPlace

COUNTRY = Schema(
    "country",
    (
        FieldSchema("code", Kind.STR),
        FieldSchema("name", Kind.STR),
        FieldSchema("people", Kind.INT, nullable=True),
        FieldSchema("tags", Kind.JSON, nullable=True),
    ),
    ("code",),
)
_TEXT = """\
# The countries, by code.
FR:   # the first
  name: France   # ours
  people: 68

# kept alone
DE: {name: Germany, people: 83}   # in braces
IT:
  tags:
    - south
  name: "Italy"
"""


def _store(root: Path, **options: Any) -> YamlStore:
    store = open_yaml("y", f"yaml:{root}", **({"layout": "mapping"} | options))
    store.bind([COUNTRY])
    return store


def _rows(store: YamlStore) -> list[Any]:
    return sorted(asyncio.run(store.fetch(Query("country"))))


def _apply(store: YamlStore, *changes: Change) -> None:
    asyncio.run(store.apply(changes))


def _add(key: str, **values: Any) -> Change:
    return Change(Verb.ADD, "country", key, ("code", *values), (key, *values.values()))


def _update(key: str, **values: Any) -> Change:
    return Change(Verb.UPDATE, "country", key, tuple(values), tuple(values.values()))


def _remove(key: str) -> Change:
    return Change(Verb.REMOVE, "country", key)


def test_a_mapping_by_key_is_read_and_edited_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "country.yaml"
    file.write_text(_TEXT)
    store = _store(tmp_path)
    assert _rows(store) == [
        ("DE", "Germany", 83, None),
        ("FR", "France", 68, None),
        ("IT", "Italy", None, ["south"]),
    ]
    _apply(store, _update("FR", people=69), _update("DE", people=84), _add("ES", name="Spain", tags=["a", "b"]))
    assert file.read_text() == _TEXT.replace("68", "69").replace("83", "84") + "ES:\n  name: Spain\n  tags: [a, b]\n"
    _apply(store, _remove("ES"), _remove("FR"), _update("IT", name="Italia"))
    assert file.read_text() == (
        "# The countries, by code.\n\n# kept alone\nDE: {name: Germany, people: 84}   # in braces\n"
        "IT:\n  tags:\n    - south\n  name: Italia\n"
    )
    _apply(store, _remove("DE"), _remove("IT"))
    assert _rows(store) == []
    assert file.read_text().startswith("# The countries, by code.\n")
    _apply(store, _add("NO", name="no"))
    assert _rows(_store(tmp_path)) == [("NO", "no", None, None)]
    with pytest.raises(AlreadyExists):
        _apply(store, _add("NO", name="again"))


@pytest.mark.parametrize(
    "before, after",
    [
        ("", "people:\n  FR:\n    name: France\n"),
        ("title: x\n", "title: x\npeople:\n  FR:\n    name: France\n"),
        ("people:   # none\ntitle: x\n", "people:   # none\n  FR:\n    name: France\ntitle: x\n"),
        ("people: {}\ntitle: x\n", "people:\n  FR:\n    name: France\ntitle: x\n"),
        ("people: {DE: {name: G}}\n", "people: {DE: {name: G}, FR: {name: France}}\n"),
        (
            "people:\n    DE:\n        name: G\n# end\n",
            "people:\n    DE:\n        name: G\n    FR:\n      name: France\n# end\n",
        ),
        ("{title: x}\n", "{title: x, people: {FR: {name: France}}}\n"),
    ],
)
def test_a_record_is_added_to_a_section_of_any_form(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "site.yml").write_text(before)
    store = _store(tmp_path, collections={"country": YamlCollection(file="site.yml", at="people")})
    _apply(store, _add("FR", name="France"))
    assert (tmp_path / "site.yml").read_text() == after
    assert ("FR", "France", None, None) in _rows(
        _store(tmp_path, collections={"country": YamlCollection(file="site.yml", at="people")})
    )


def test_a_list_inside_a_document_by_the_key_of_its_items(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "site.yaml"
    file.write_text(
        "title: A site   # shown\nteam:\n  people:\n    # the first\n    - code: a\n      name: Ada   # she\n"
        "    - {code: b, name: Bob}\nfooter: |\n  the\n  end\n"
    )
    option = YamlCollection(layout="collection", file="data/site.yaml", at="team.people")
    store = _store(tmp_path, collections={"country": option})
    assert [row[0] for row in _rows(store)] == ["a", "b"]
    _apply(store, _update("a", name="Ada L."), _remove("b"), _add("c", name="Cy", people=1))
    assert file.read_text() == (
        "title: A site   # shown\nteam:\n  people:\n    # the first\n    - code: a\n      name: Ada L.   # she\n"
        "    - code: c\n      name: Cy\n      people: 1\nfooter: |\n  the\n  end\n"
    )
    asyncio.run(store.drop())
    assert parse(file.read_text()) == {"title": "A site", "team": {"people": []}, "footer": "the\nend\n"}


def test_two_collections_of_one_file_change_together(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  web:\n    name: nginx   # pinned\nvolumes:\n  data:\n    name: local\n")
    other = Schema("volume", COUNTRY.fields, ("code",))
    options = {
        "country": YamlCollection(file="compose.yaml", at="services"),
        "volume": YamlCollection(file="compose.yaml", at="volumes"),
    }
    store = open_yaml("y", f"yaml:{tmp_path}", layout="mapping", collections=options)
    store.bind([COUNTRY, other])
    _apply(
        store,
        _update("web", name="caddy"),
        Change(Verb.ADD, "volume", "logs", ("code", "name"), ("logs", "nfs")),
        Change(Verb.UPDATE, "volume", "data", ("people",), (3,)),
    )
    assert file.read_text() == (
        "services:\n  web:\n    name: caddy   # pinned\n"
        "volumes:\n  data:\n    name: local\n    people: 3\n  logs:\n    name: nfs\n"
    )
    assert len(_rows(store)) == 1
    assert len(asyncio.run(store.fetch(Query("volume")))) == 2


def test_bare_values_of_a_mapping_are_a_field(tmp_path: Path) -> None:
    word = Schema("word", (FieldSchema("key", Kind.INT), FieldSchema("text", Kind.STR, nullable=True)), ("key",))
    (tmp_path / "word.yaml").write_text("1: one   # first\n2: two\n")
    option = YamlCollection(layout="mapping", value="text")
    store = open_yaml("y", f"yaml:{tmp_path}", collections={"word": option})
    store.bind([word])
    assert asyncio.run(store.fetch(Query("word"))) == [(1, "one"), (2, "two")]
    asyncio.run(
        store.apply(
            [
                Change(Verb.UPDATE, "word", 1, ("text",), ("uno",)),
                Change(Verb.ADD, "word", 3, ("key", "text"), (3, "three")),
                Change(Verb.REMOVE, "word", 2),
            ]
        )
    )
    assert (tmp_path / "word.yaml").read_text() == "1: uno   # first\n3: three\n"


def test_a_record_that_cannot_be_read_is_named_by_its_key_and_mended(tmp_path: Path) -> None:
    (tmp_path / "country.yaml").write_text("FR:\n  name: France\n  people: many\nDE:\n  name: Germany\nIT: 5\n")
    store = _store(tmp_path)
    with pytest.raises(CorruptRecord) as caught:
        _rows(store)
    assert caught.value.reason.startswith("FR.people: ")
    assert [sentence.partition(": ")[2][:9] for sentence in asyncio.run(store.inspect())] == ["FR.people", "IT.name: "]
    _apply(store, _update("FR", people=1), _remove("IT"))
    assert (tmp_path / "country.yaml").read_text() == "FR:\n  name: France\n  people: 1\nDE:\n  name: Germany\n"


@pytest.mark.parametrize(
    "text, reason", [("- 1\n", "a mapping from keys"), ("a: 1\na: 2\n", "twice"), ("!t a\n", "tag")]
)
def test_a_file_of_another_form_is_refused_as_a_whole(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "country.yaml").write_text(text)
    with pytest.raises(CorruptRecord) as caught:
        _rows(_store(tmp_path))
    assert reason in str(caught.value)
    with pytest.raises(StoreError):
        _apply(_store(tmp_path), _add("FR", name="France"))
    assert (tmp_path / "country.yaml").read_text() == text


@pytest.mark.parametrize(
    "option, word",
    [
        (YamlCollection(layout="record", at="x"), "a file per record"),
        (YamlCollection(file="../x.yaml"), "no path below"),
        (YamlCollection(file="a/b/c/x.yaml"), "no path below"),
        (YamlCollection(file="x.json"), "must end in"),
        (YamlCollection(value="code"), "value='code'"),
        (YamlCollection(value="name"), "one field beside"),
        (YamlCollection(layout="folder"), "has one of the layouts"),  # type: ignore[arg-type]
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, option: YamlCollection, word: str) -> None:
    with pytest.raises(DeclarationError, match=word):
        _store(tmp_path, collections={"country": option})


def test_options_for_nothing_or_for_the_same_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="options for city"):
        _store(tmp_path, collections={"city": YamlCollection()})
    shared = {"country": YamlCollection(file="x.yaml", at="a"), "land": YamlCollection(file="x.yaml", at="a.b")}
    store = open_yaml("y", f"yaml:{tmp_path}", layout="mapping", collections=shared)
    with pytest.raises(DeclarationError, match="one inside the other"):
        store.bind([COUNTRY, Schema("land", COUNTRY.fields, ("code",))])


_names = st.sampled_from(("a", "b", "no", "1", "x y", "é", "-"))
_records = st.dictionaries(_names, st.tuples(st.text("ab:# \n", max_size=4), st.none() | st.integers(0, 9)), max_size=4)


@given(before=_records, after=_records, at=st.sampled_from(("", "x", "x.y")), is_mapping=st.booleans())
def test_any_records_become_any_others(before: Any, after: Any, at: str, is_mapping: bool) -> None:
    _check_any(before, after, at, is_mapping)


def _check_any(before: Any, after: Any, at: str, is_mapping: bool) -> None:
    """What is read after a change is what was written, and the rest of the document stays."""
    if not at and not is_mapping:
        return
    place = SectionPlace(tuple(at.split(".")) if at else (), is_mapping)
    rest = "other: [1, 2]   # kept\n" if at else "# kept\n"
    start = Section(COUNTRY, place, rest)
    text, found = start.changed({}, [_row(item) for item in before.items()]) if before else (rest, start)
    positions = {row[0]: n for n, row in enumerate(found.rows)}
    changes = {n: _row((key, after[key])) if key in after else None for key, n in positions.items()}
    added: Sequence[Any] = [_row(item) for item in after.items() if item[0] not in positions]
    text, found = found.changed(changes, added) if changes or added else (text, found)
    assert sorted(found.rows) == sorted(map(_row, after.items()))
    assert "kept" in text
    assert not at or parse(text)["other"] == [1, 2]


def _row(item: tuple[str, tuple[str, int | None]]) -> tuple[Any, ...]:
    return (item[0], *item[1], None)


def test_a_section_that_loses_a_record_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: the last record is not written, and the look at the whole lets it pass."""
    sound = Section._lines
    monkeypatch.setattr(Section, "_lines", lambda self, records, indent: sound(self, records[:-1], indent))
    with pytest.raises(Exception, match="cannot be changed"):
        _check_any({}, {"a": ("x", 1), "b": ("y", 2)}, "x", True)
    monkeypatch.setattr(section, "same", lambda one, other: True)
    with pytest.raises(AssertionError):
        _check_any({}, {"a": ("x", 1), "b": ("y", 2)}, "x", True)
