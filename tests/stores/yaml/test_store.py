from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdall.errors import CorruptRecord, DeclarationError, StoreError, StoreTimeout, StoreUnavailable, Unsupported
from holdall.query import FieldSchema, Kind, Schema
from holdall.store import Aggregating, Provisioned, Store, Streaming, Transactional
from holdall.stores.yaml import YamlStore, open_yaml
from holdall.stores.yaml.errors import DISK_ERRORS, disk
from tests.support.yaml_collections import add, rows, run, update

PLAIN = Schema("Plain", (FieldSchema("id", Kind.INT), FieldSchema("name", Kind.STR, max_length=3)), ("id",))


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, folder in (("yaml:./data", "data"), ("yaml:data/deep", "data/deep"), (f"yaml:{tmp_path}/abs", "abs")):
        store = open_yaml("it", url, layout="record", max_records=5)
        store.bind([PLAIN])
        run(store.create())
        assert (tmp_path / folder / "Plain").is_dir()
    assert (tmp_path / "abs").is_dir()
    for url, options in (
        ("yaml:", {}), ("yaml://", {}), ("yaml:a\0b", {}), ("yaml:x", {"colour": 1}), ("yaml:x", {"layout": "heap"}),
    ):  # fmt: skip
        with pytest.raises(DeclarationError):
            open_yaml("it", url, **options)


def test_what_it_is(tmp_path: Path) -> None:
    store = YamlStore("it", tmp_path)
    for protocol in (Store, Aggregating, Provisioned, Streaming):
        assert isinstance(store, protocol)
    assert not isinstance(store, Transactional)


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    store = YamlStore("it", tmp_path)
    store.bind([PLAIN])
    with pytest.raises(Unsupported, match="rename one"):
        store.bind([Schema("plain", PLAIN.fields, PLAIN.key)])


def test_values_that_would_not_be_read_are_not_written(tmp_path: Path) -> None:
    store = YamlStore("it", tmp_path)
    store.bind([PLAIN])
    run(store.apply([add("Plain", id=1, name="abc")]))
    for change in (
        add("Plain", id=2, name="abcd"),
        add("Plain", id=2, name=None),
        add("Plain", id=2, name=5),
        add("Plain", id=2, name="a\0"),
        add("Plain", id=2, name="\ud800"),
        add("Plain", id="2", name="a"),
        add("Plain", id=2, name="a", colour="red"),
        update("Plain", 1, id=2),
        update("Plain", 1, name="abcd"),
    ):
        with pytest.raises(StoreError, match="Plain"):
            run(store.apply([change]))
    assert rows(store, "Plain") == {1: (1, "abc")}


def test_disk_errors_are_ours() -> None:
    for number, (kind, sentence) in DISK_ERRORS.items():
        with pytest.raises(kind, match=r"it: here: ".replace("it: ", "")) as caught, disk("it", "here"):
            raise OSError(number, os.strerror(number))
        assert sentence in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(CorruptRecord), disk("it", "here"):
        raise OSError(errno.ELOOP, "loop")
    with pytest.raises(StoreUnavailable), disk("it", "here"):
        raise OSError(errno.EPIPE, "unlisted")
    with pytest.raises(StoreUnavailable), disk("it", "here"):
        raise OSError("without a number")
    assert DISK_ERRORS[errno.ETIMEDOUT][0] is StoreTimeout


@pytest.mark.parametrize("number", sorted(DISK_ERRORS))
def test_a_disk_error_in_any_call(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    store = YamlStore("it", tmp_path)
    store.bind([PLAIN])
    run(store.apply([add("Plain", id=1, name="a")]))

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(DISK_ERRORS[number][0]):
            run(store.apply([add("Plain", id=2, name="b"), add("Plain", id=3, name="c")]))
    assert rows(store, "Plain") == {1: (1, "a")}
    assert sorted(path.name for path in (tmp_path / "Plain").iterdir()) == ["1.yaml"]
