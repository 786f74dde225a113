"""What a version of Holdall wrote into a folder: each format is read for ever, an unknown one refused by its number.

The journal's golden files are read in ``test_crash``, those of what is held in ``test_preparing``.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from holdall.errors import UnknownFormat
from holdall.query import Query
from holdall.stores.yaml import Layout, YamlStore
from holdall.stores.yaml.journal import FileEdit
from tests.support.golden_world import CHANGES, ROWS, SAMPLE
from tests.support.yaml_collections import run

_GOLDEN = Path(__file__).parent / "golden"
_FILES = {
    "record": {"sample/1.yaml": "record_few.yaml", "sample/2.yaml": "record_full.yaml"},
    "collection": {"sample.yaml": "collection.yaml"},
}


def _store(root: Path, layout: Layout) -> YamlStore:
    store = YamlStore("golden", root, layout=layout)
    store.bind([SAMPLE])
    return store


def _counters(root: Path) -> Path:
    return root / ".holdall" / "counters.json"


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_what_is_written_are_the_newest_golden_files(tmp_path: Path, layout: Layout) -> None:
    """Never write these files anew: a change of a format gets a new number and a file of its own."""
    store = _store(tmp_path, layout)
    run(store.apply(CHANGES))
    run(store.reserve("sample", 2))
    for place, name in _FILES[layout].items():
        assert (tmp_path / place).read_bytes() == (_GOLDEN / name).read_bytes()
    assert _counters(tmp_path).read_bytes() == (_GOLDEN / "counters_1.json").read_bytes()


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_records_of_an_earlier_holdall_are_read(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "sample").mkdir()
    for place, name in _FILES[layout].items():
        (tmp_path / place).write_bytes((_GOLDEN / name).read_bytes())
    assert run(_store(tmp_path, layout).fetch(Query("sample"))) == list(ROWS)


@pytest.mark.parametrize("name", ["counters_unnumbered.json", "counters_1.json"])
def test_counters_of_an_earlier_holdall_go_on(tmp_path: Path, name: str) -> None:
    store = _store(tmp_path, "record")
    run(store.apply(CHANGES))
    _counters(tmp_path).write_bytes((_GOLDEN / name).read_bytes())
    assert run(store.reserve("sample", 1)) == [5]
    assert _counters(tmp_path).read_bytes() == b'{"holdall_format":1,"sample":5}\n'


@pytest.mark.parametrize("content", [b'{"holdall_format":2,"sample":4}', b'{"holdall_format":2,"last":{"sample":[4]}}'])
def test_counters_of_a_later_holdall_are_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    store = _store(tmp_path, "record")
    run(store.apply(CHANGES[:1]))
    _counters(tmp_path).write_bytes(content)
    for attempt in (lambda: run(store.reserve("sample", 1)), lambda: run(store.apply(CHANGES[1:]))):
        with pytest.raises(UnknownFormat, match=r"\.holdall/counters\.json .*format 2.*use the version") as caught:
            attempt()
        assert (caught.value.store, caught.value.found, caught.value.known) == ("golden", 2, 1)
    assert _counters(tmp_path).read_bytes() == content
    assert run(store.fetch(Query("sample"))) == [ROWS[0]]


def test_a_planted_reader_that_does_not_look_at_the_number_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(msgspec.Struct):
        format: int = 1

    monkeypatch.setattr("holdall.stores.yaml.counters._Numbered", Blind)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test_counters_of_a_later_holdall_are_refused_and_left_alone(tmp_path, b'{"holdall_format":2,"sample":4}')


def test_the_journal_that_is_written_is_the_newest_golden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store(tmp_path, "record")
    run(store.create())
    monkeypatch.setattr("holdall.stores.yaml.journal.secrets.token_hex", lambda size: "12ab")
    edits = [
        FileEdit("Country/FR.yaml", b"name: La France\n"),
        FileEdit("Country/DE.yaml", None),
        FileEdit(".holdall/reserved/c0ffee", None),
    ]
    for folder in ("Country", ".holdall/reserved"):
        (tmp_path / folder).mkdir(parents=True)
    seen = []

    def reached(stage: str) -> None:
        if stage == "decided":
            seen.append((tmp_path / ".holdall" / "journal").read_bytes())

    store._journal.reached = reached
    store._journal.change(edits)
    assert seen == [(_GOLDEN / "journal_1.json").read_bytes()]
