"""Which parts of files that others wrote are collections: lists of records, mappings by key, folders of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

from holdall.query import Value
from holdall.stores.yaml.collection import YamlCollection
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.names import EXTENSIONS, is_shortened, parts_of, safe_name
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.source import Source, decoded

__all__ = ["FoundRecords", "found_records"]

_LARGEST = 64 * 2**20
_DEEPEST = 4  # names on the way to a section


class FoundRecords(msgspec.Struct, frozen=True):
    """Records that lie together, or why what lies there is none: ``reason``.

    ``keys`` are what names them from outside, in a mapping or by the names of files; without them the key is a field.
    """

    name: str
    option: YamlCollection = YamlCollection()
    records: Sequence[Value] = ()
    keys: Sequence[Value] | None = None
    reason: str = ""


def found_records(folder: Folder) -> Iterator[FoundRecords]:
    """Everything in a store's folder that might be a collection."""
    for name, _ in sorted(folder.entries("")):
        if name.startswith("."):
            continue
        if folder.is_folder(name):
            yield from _in_folder(folder, name)
        elif name.endswith(EXTENSIONS):
            yield from _in_file(folder, name)


def _in_folder(folder: Folder, name: str) -> Iterator[FoundRecords]:
    names = [each for each, _ in sorted(folder.entries(name)) if not each.startswith(".") and each.endswith(EXTENSIONS)]
    if not names:
        return
    values = [_value(folder, f"{name}/{each}") for each in names]
    if not _are_records(values):
        for each in names:
            yield from _in_file(folder, f"{name}/{each}")
        return
    stems = [PurePosixPath(each).stem for each in names]
    try:
        parts = [parts_of(stem) for stem in stems]
    except ValueError as error:
        yield FoundRecords(name, reason=f"a file of it: {error}")
        return
    if any(map(is_shortened, stems)) or any(len(part) > 1 for part in parts) or safe_name(name) != name:
        yield FoundRecords(name, reason="the names of its files are no keys of one part")
        return
    keys = [part[0] for part in parts]
    are_whole = all(key.removeprefix("-").isdecimal() and str(int(key)) == key for key in keys)
    yield FoundRecords(name, YamlCollection(), values, [int(key) for key in keys] if are_whole else keys)


def _are_records(values: Sequence[Value]) -> bool:
    """Whether each file is a record: mappings with names in common, not all of them mappings of mappings."""
    if not all(isinstance(value, dict) and value for value in values):
        return False
    return _share_names(values) and not all(_is_by_key(value) for value in values)


def _in_file(folder: Folder, place: str) -> Iterator[FoundRecords]:
    path = PurePosixPath(place)
    value = _value(folder, place)
    is_usual = len(path.parts) == 1 and safe_name(path.stem) == path.stem
    file = "" if is_usual else place
    if isinstance(value, Unreadable):
        yield FoundRecords(path.stem, reason=f"{place}: {value}")
    elif _is_list(value):
        yield FoundRecords(path.stem, YamlCollection(layout="collection", file=file), value)
    elif isinstance(value, dict) and _is_by_key(value):
        yield FoundRecords(path.stem, YamlCollection(layout="mapping", file=file), *_by_key(value))
    else:
        found = list(_sections(place, value, ())) if isinstance(value, dict) else []
        yield from found
        if not found:
            kind = "it is empty" if value is None else "it is one document, and no list or mapping of records"
            yield FoundRecords(path.stem, reason=f"{place}: {kind}")


def _sections(place: str, value: Mapping[Value, Value], steps: tuple[str, ...]) -> Iterator[FoundRecords]:
    for name, inner in value.items():
        if not isinstance(name, str) or len(steps) == _DEEPEST:
            continue
        way = (*steps, name)
        at = ".".join(step.replace(".", "\\.") for step in way)
        if _is_list(inner):
            yield FoundRecords(name, YamlCollection(layout="collection", file=place, at=at), inner)
        elif isinstance(inner, dict) and _is_by_key(inner):
            yield FoundRecords(name, YamlCollection(layout="mapping", file=place, at=at), *_by_key(inner))
        elif isinstance(inner, dict):
            yield from _sections(place, inner, way)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and item for item in value)


def _is_by_key(value: Mapping[Value, Value]) -> bool:
    """Whether a mapping names records: its values are mappings with names in common, and with plain values."""
    records = [inner for inner in value.values() if inner is not None]
    if not records or not all(isinstance(inner, dict) for inner in records):
        return False
    if not (all(isinstance(name, str) for name in value) or all(type(name) is int for name in value)):
        return False
    has_values = any(not isinstance(item, dict | list) for inner in records for item in inner.values())
    return has_values and _share_names(records)


def _share_names(records: Sequence[Mapping[Value, Value]]) -> bool:
    """Whether there is a name that more than half of these mappings have."""
    counts = Counter(name for record in records for name in record)
    return bool(counts) and max(counts.values()) * 2 > len(records)


def _by_key(value: Mapping[Value, Value]) -> tuple[list[Value], list[Value]]:
    return [{} if inner is None else inner for inner in value.values()], list(value)


def _value(folder: Folder, place: str) -> Value:
    """The content of a file; an Unreadable where it is no YAML that a store reads."""
    try:
        return _plain(parse(Source(decoded(folder.read(place, _LARGEST)[0])).text))
    except Unreadable as error:
        return error


def _plain(value: Value) -> Value:
    """The same with numbers that do not know how they are written."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return list(map(_plain, value))
    return float(value) if isinstance(value, float) else value
