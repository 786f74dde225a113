"""Changes as the arguments of one script, and its answer as outcomes or as the error it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from holdall.errors import (
    AlreadyExists,
    Conflict,
    HoldallError,
    Reserved,
    SchemaMismatch,
    StaleVersion,
    StoreError,
    UniqueViolation,
)
from holdall.query import Kind, Value
from holdall.store import APPLIED, Damaged, Members, Outcome, Reservation, Run, Verb, passing_of
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.described import described, place_of
from holdall.stores.redis.errors import Misfit, unknown_format
from holdall.stores.redis.expectations import Texts
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.sent import HeadSent, MembersSent, RunSent

__all__ = ["Batch", "lost", "reservations", "slot_texts", "unbuilt"]

_pack = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


class Batch:
    """The runs of one apply, made ready to be sent; ``expected`` is what those of some numbers must still have."""

    def __init__(
        self,
        store: str,
        layouts: Mapping[str, Layout],
        codecs: Mapping[str, Codec],
        runs: Sequence[Run],
        expected: Mapping[int, Texts],
    ) -> None:
        self._store = store
        self._layouts = layouts
        self._codecs = codecs
        self._runs = runs
        self._expected = expected
        self._beside: list[str] = []
        self._numbers: dict[str, tuple[int, Layout]] = {}  # of each collection, with its layout
        self._collections: list[msgspec.Raw] = []
        self._packed: tuple[list[str], list[str], list[bytes]] | None = None

    @property
    def is_lasting(self) -> bool:
        """Whether it can be sent again as it was: nothing was read for it, nothing expires, and no layout is new."""
        kept = self._numbers.items()
        return not self._expected and all(each is self._layouts[name] and not each.ttl for name, (_, each) in kept)

    def arguments(
        self, commit: str = "", reservation: str = "", elsewhere: Iterable[Layout] = ()
    ) -> tuple[list[str], list[bytes]]:
        """The script's keys and arguments. Raises StoreError for a value that cannot be kept.

        ``elsewhere`` are the collections in the same slot where an earlier attempt of the commit may hold something.
        """
        if self._packed is None:
            self._packed = self._pack_runs()
        records, streams, packed = self._packed
        beside = list(self._beside)
        places = [place_of(layout, beside) for layout in elsewhere if layout.schema.name not in self._numbers]
        is_repeated = len(set(records)) < len(records)
        head = HeadSent(
            len(beside),
            self._collections,
            is_repeated,
            commit or False,
            reservation or False,
            places,
            passing_of(self._numbers) or False,
        )
        return [*beside, *records, *streams], [_pack(head), *packed]

    def _pack_runs(self) -> tuple[list[str], list[str], list[bytes]]:
        """Names of the records and of their streams, and the runs packed: the same for both halves of a commit."""
        records: list[str] = []
        streams: list[str] = []  # told to the server, for a cluster; the script makes their names itself
        packed: list[bytes] = []
        for place, run in enumerate(self._runs):
            layout = self._layouts[run.collection]
            number = self._number(layout, run)
            texts = layout.texts(run.keys)
            records.extend([layout.record + text for text in texts])
            streams.extend(
                layout.stream(layout.record + text, name) for name in layout.schema.streams for text in texts
            )
            sent = self._sent(layout, run, number, texts)
            packed.append(_pack(sent._replace(expected=self._expected[place]) if place in self._expected else sent))
        return records, streams, packed

    def _number(self, layout: Layout, run: Run) -> int:
        if run.collection not in self._numbers:
            names, sent = described(layout, len(self._beside))
            self._beside += names
            self._collections.append(sent)
            self._numbers[run.collection] = len(self._collections), layout
        return self._numbers[run.collection][0]

    def _sent(self, layout: Layout, run: Run, number: int, texts: list[str]) -> RunSent:
        schema = layout.schema
        names, columns = self._columns(layout, run)
        codec = self._codecs[run.collection]
        try:
            written: list[Sequence[str | MembersSent]] = [
                codec.column(name, column) for name, column in zip(names, columns, strict=True)
            ]
            versions: list[str] | bool = False
            if run.versions is not None and schema.version is not None:
                versions = list(map(str, run.versions))
        except Misfit as misfit:
            raise StoreError(self._store, f"{schema.name}: {misfit}") from misfit
        lists = _take_differences(written, columns, layout, names) if run.verb is Verb.UPDATE else False
        members = layout.members(run.keys, texts)
        slots, slot_columns = self._slots(layout, run, names, columns)
        largest = self._given(layout, run)
        verb, sent_names = run.verb.value, list(layout.columns_of(names))
        return RunSent(
            verb, number, sent_names, texts, written, members, versions, slots, slot_columns, largest, lists
        )._replace(is_whole=_is_whole(layout, run), origins=_origins(layout, run))

    def _columns(self, layout: Layout, run: Run) -> tuple[list[str], list[Sequence[Value]]]:
        schema = layout.schema
        if run.verb is Verb.REMOVE:
            return [], []
        for name in run.fields:
            if name not in schema.positions or (run.verb is Verb.UPDATE and name in schema.key):
                raise StoreError(self._store, f"a change of {run.verb} cannot give {schema.name}.{name}")
        names: list[str] = list(run.fields)
        columns: list[Sequence[Value]] = list(zip(*run.rows, strict=True)) if names else []
        if _is_whole(layout, run):  # of a record that was mended, the key may be another than the one in its name
            parts = [run.keys] if len(schema.key) == 1 else list(zip(*run.keys, strict=True))
            return [*names, *schema.key], [*columns, *parts]
        if run.verb is Verb.ADD:
            parts = [run.keys] if len(schema.key) == 1 else list(zip(*run.keys, strict=True))
            for name, part in zip(schema.key, parts, strict=True):
                if name in names:
                    columns[names.index(name)] = part
                else:
                    names.append(name)
                    columns.append(part)
            for field in schema.stored:
                if field.name not in names:
                    names.append(field.name)
                    columns.append([() if field.kind is Kind.MANY else None] * len(run.keys))
        return names, columns

    def _slots(
        self, layout: Layout, run: Run, names: list[str], columns: list[Sequence[Value]]
    ) -> tuple[list[int], list[list[Value]]]:
        if run.verb is Verb.REMOVE:
            return [], []
        found: list[int] = []
        texts: list[list[Any]] = []
        for slot, (name, to_text) in enumerate(layout.slots, 1):
            if name in names:
                column = columns[names.index(name)]
                found.append(slot)
                texts.append(_entries(column, to_text) if slot <= len(layout.indexed) else _uniques(column, to_text))
        return found, texts

    def _given(self, layout: Layout, run: Run) -> Value:
        if not layout.counts or run.verb is not Verb.ADD or len(layout.key_fields) > 1:
            return False
        largest = max(run.keys, default=0)
        return str(largest) if largest > 0 else False

    def outcomes(self, reply: Any, made: Mapping[int, Any]) -> list[Outcome]:
        """The outcome of each change. Raises the error that the script told."""
        if reply[0] != b"ok":
            raise self._error(reply)
        count = sum(len(run.keys) for run in self._runs)
        found = [APPLIED] * count
        for place, key in made.items():
            found[place] = Outcome(key=key)
        for number, removed in reply[1]:
            start = sum(len(run.keys) for run in self._runs[: number - 1])
            found[start : start + len(removed)] = [Outcome(places=count) for count in removed]
        return found

    def _error(self, reply: Any) -> HoldallError:
        if reply[0] == b"unbuilt":
            return unbuilt(self._store, reply[1].decode())
        if reply[0] == b"unlisted":
            return Conflict(self._store, "another program writes these records, too; nothing was applied, try again")
        if reply[0] == b"lost":
            return lost(self._store, reply[1].decode(), reply[2].decode())
        if reply[0] == b"type":
            difference = f"{reply[1].decode()} holds a {reply[2].decode()}"
            return SchemaMismatch(self._store, [difference])
        if reply[0] == b"format":
            return unknown_format(self._store, reply)
        position = reply[1] - 1
        run, place = self._run_at(position)
        layout = self._layouts[run.collection]
        match reply[0]:
            case b"reserved":
                return Reserved(self._store, reservations(reply[2]), run.collection, position)
            case b"exists":
                return AlreadyExists(self._store, run.collection, layout.schema.key, position)
            case b"unique":
                return UniqueViolation(self._store, run.collection, layout.unique[reply[2]], position)
        return StaleVersion(self._store, run.collection, run.keys[place], position)

    def at(self, numbers: Iterable[int]) -> list[tuple[Layout, list[str]]]:
        """The texts of the records of these changes, counted from 1, by collection."""
        found: dict[str, list[str]] = {}
        for number in numbers:
            run, place = self._run_at(number - 1)
            found.setdefault(run.collection, []).append(self._layouts[run.collection].text(run.keys[place]))
        return [(self._layouts[name], texts) for name, texts in found.items()]

    def _run_at(self, position: int) -> tuple[Run, int]:
        for run in self._runs:
            if position < len(run.keys):
                return run, position
            position -= len(run.keys)
        raise StoreError(self._store, "its answer is about a change that was not sent")


def _is_whole(layout: Layout, run: Run) -> bool:
    """Whether an update writes all fields of records, and no version guards them."""
    schema = layout.schema
    if run.verb is not Verb.UPDATE or run.versions is not None or not run.fields:
        return False
    return len(run.fields) == len(schema.stored) - len(schema.key)


def _origins(layout: Layout, run: Run) -> list[str | bool] | bool:
    if run.origins is None:
        return False
    return [False if key is None else layout.text(key) for key in run.origins]


def _take_differences(
    written: list[Sequence[str | MembersSent]], columns: list[Sequence[Value]], layout: Layout, names: list[str]
) -> list[int] | bool:
    """Have lists that are told as what came and went sent so; the places of their columns, from 1, if there are any."""
    places = []
    for place, name in enumerate(names):
        is_list = layout.schema.by_name[name].kind is Kind.MANY
        if is_list and any(isinstance(value, Members) for value in columns[place]):
            written[place] = list(map(_difference, written[place], columns[place]))
            places.append(place + 1)
    return places or False


def _difference(whole: str | MembersSent, value: object) -> str | MembersSent:
    if not isinstance(value, Members) or isinstance(whole, MembersSent):
        return whole
    return MembersSent(whole, _json(value.come).decode(), _json(value.gone).decode())


def reservations(told: Sequence[bytes]) -> list[Reservation]:
    """Reservations from a script's answer: ids of commits and what is kept of them, in turn; each commit once."""
    found = dict(zip(told[::2], told[1::2], strict=True))
    return [Reservation.decode(commit.decode(), data) for commit, data in found.items()]


def unbuilt(store: str, place: str) -> SchemaMismatch:
    """The error for records that were written under another declaration of indexes."""
    return SchemaMismatch(store, [f"the indexes of {place} are not those that are declared; create() builds them"])


def lost(store: str, place: str, key: str) -> SchemaMismatch:
    """The error for something beside the records that another program, or the server, has removed."""
    return SchemaMismatch(store, [f"{key}, which lay beside the records of {place}, is gone; create() builds it anew"])


def slot_texts(layout: Layout, row: Mapping[str, Value]) -> list[Any]:
    """Return the entry of one record in ``#entries``, given the values of the fields that are indexed.

    Values that cannot be read stand in no index.
    """
    found: list[Any] = []
    for number, (name, to_text) in enumerate(layout.slots):
        entries = _entries if number < len(layout.indexed) else _uniques
        found += [False] if isinstance(row[name], Damaged) else entries([row[name]], to_text)
    return found


def _entries(column: Sequence[Value], to_text: Callable[[Any], str]) -> list[Any]:
    """How values stand in an index: missing ones before all others."""
    return ["-" if value is None else f"={to_text(value)}" for value in column]


def _uniques(column: Sequence[Value], to_text: Callable[[Any], str]) -> list[Any]:
    return [False if value is None else to_text(value) for value in column]
