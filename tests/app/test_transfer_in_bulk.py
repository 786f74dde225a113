"""The quick ways of files of records: columns at a time give what is given one by one, errors and all."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall import (
    Everyone,
    FieldRights,
    Fill,
    Holdall,
    Many,
    Model,
    Nobody,
    Policy,
    Ref,
    SoftDeleted,
    User,
    back,
    check,
    field,
)
from holdall.errors import CorruptRecord, FieldError, HoldallError, QueryError, ValidationError
from holdall.model import CsvInput, LongLine, are_plainly_distinct, csv_columns, has_repeated_names, lines_in
from holdall.policy import SYSTEM
from tests.support.local_stores import LOCAL, local_url
from tests.support.service_of_everything import City, Country, Line, Thing, everything, thing

pytestmark = pytest.mark.anyio

_QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

_texts = st.text(st.sampled_from("a'=+-@\t\r\n,\"\\é 1"), max_size=6)
_cells = st.sampled_from(
    [
        "",
        "1",
        "-1",
        "1.5",
        "1e400",
        "1,2",
        "[1",
        "2]",
        "null",
        "true",
        "TRUE",
        "True",
        "tRuE",
        "NaN",
        "2020-01-01",
        "x",
        "2020-01-01T00:00:00Z",
        "12.50",
        "Infinity",
        "AAH/",
        "'=1",
        "'",
        '{"a":1}',
        "PT1S",
        "red",
        "9" * 25,
        "\u0661",
        " 1",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 4) | st.floats(allow_nan=False, width=16) | _texts | _cells,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["width", "height", "a"]), inner, max_size=2)
    ),
    max_leaves=3,
)
_RIGHT = thing(city=1, line=[1, "a"], cities=[1, 2], id="0190f2a4-0000-7000-8000-000000000000", number=3)
_members = st.fixed_dictionaries({}, optional={name: st.just(value) | _json for name, value in _RIGHT.items()})


class Odd(Model):
    """Fields whose values take another way than most."""

    id: int = field(pk=True)
    loose: int = field(default=0, coerce=True)
    loud: str = field(default="", setter=lambda record, value: value.upper())
    even: int = field(default=0, ge=0)
    made: int = field(init=False, default=7)
    version: int = field(version=True)

    @check("even")
    def _is_even(self) -> str | None:
        return "must be even" if self.even % 2 else None


_odd = st.fixed_dictionaries(
    {"id": st.integers(1, 3) | _json},
    optional={name: st.integers(-1, 4) | _cells for name in ("loose", "loud", "even", "made", "version", "other")},
)


def _told(made: Any) -> object:
    if isinstance(made, ValidationError):
        return [(each.path, each.code, each.message) for each in made.errors]
    return (type(made), str(made)) if isinstance(made, HoldallError) else made.to_json()


@pytest.mark.parametrize("model, items", [(Thing, _members), (Odd, _odd)])
@pytest.mark.parametrize("is_alike", [True, False])
def test_many_objects_become_what_each_becomes(model: type[Model], items: Any, is_alike: bool) -> None:
    everything("memory:").bindings.configure()
    reader = model.__holdall__.stored_input

    def one(item: dict[str, Any]) -> Any:
        try:
            return reader.create_from(item)
        except HoldallError as error:
            return error

    @_QUICK
    @given(st.lists(items, max_size=6))
    def look(found: list[dict[str, Any]]) -> None:
        if is_alike and found:
            found = [{name: each.get(name) for name in found[0]} for each in found]
        with_keys = [
            {"id": _RIGHT["id"] if model is Thing else 1} | item for item in found
        ]  # else one is made for each
        assert [_told(each) for each in reader.create_all(with_keys)] == [_told(one(item)) for item in with_keys]

    look()


def test_fields_in_any_order_make_no_end_of_functions() -> None:
    class Wide(Model):
        a: int = field(pk=True)
        b: int = 0
        c: int = 0
        d: int = 0
        e: int = 0

    reader, names = Wide.__holdall__.stored_input, "abcde"
    for turn in range(5):
        for other in range(5):
            order = names[turn:] + names[:turn]
            order = order[other] + order.replace(order[other], "")
            [made] = reader.create_all([{name: number for number, name in enumerate(order)}])
            assert not isinstance(made, HoldallError)
            assert made.fields == {name: order.index(name) for name in names}
    assert len(reader._many._makers) == 16


@_QUICK
@given(st.lists(st.lists(_cells | _texts, min_size=1, max_size=9), max_size=6), st.booleans(), st.booleans())
def test_rows_together_have_the_members_of_each(cells: list[list[str]], keeps_formulas: bool, is_wild: bool) -> None:
    everything("memory:").bindings.configure()
    app = everything("memory:")
    app.bindings.configure()
    schema = app.bindings.of_model(Thing).schema
    names = ["number", "flag", "ratio", "text", "price", "page", "anything", "tags", "city"]
    rows = CsvInput(schema, names, ",".join(names).encode(), ["ratio"], keeps_formulas=keeps_formulas)

    def cell(text: str) -> str:
        return text if is_wild else '"' + text.replace('"', '""') + '"'

    lines = [",".join(map(cell, [*row, *["1"] * (9 - len(row))])).encode() for row in cells]
    lines = [line.strip(b"\r\n") for line in lines]
    assert rows.members_of_all(lines) == [rows.members(line) for line in lines]


def _split(text: bytes, is_quoted: bool) -> list[tuple[int, bytes]]:
    """Lines found letter by letter."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    found, line, number, begin, is_open = [], bytearray(), 1, 1, False
    for letter in [*text, None]:
        if letter == ord("\n"):
            number += 1
        if letter is None or (letter == ord("\n") and not is_open):
            kept = bytes(line).rstrip(b"\r")
            if kept if is_quoted else kept.strip():
                found.append((begin, kept))
            line, begin, is_open = bytearray(), number, False
            continue
        is_open ^= is_quoted and letter == ord('"')
        line.append(letter)
    return found


@_QUICK
@given(st.text('a"\n\r ', max_size=40), st.lists(st.integers(0, 40), max_size=5), st.booleans(), st.booleans())
def test_lines_are_those_found_letter_by_letter(text: str, cuts: list[int], is_quoted: bool, is_marked: bool) -> None:
    body, places = b"\xef\xbb\xbf" * is_marked + text.encode(), sorted(cuts)

    async def parts() -> AsyncIterator[bytes]:
        for start, end in zip([0, *places], [*places, len(body)], strict=True):
            yield body[start:end]

    async def look(most: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        try:
            async for lines in lines_in(parts(), most, is_quoted=is_quoted):
                found += lines
        except LongLine as error:
            found.append((error.number, b"too long"))
        return found

    assert asyncio.run(look(1_000)) == _split(body, is_quoted)
    short = asyncio.run(look(4))
    assert [line for line in short if line[1] != b"too long"] == _split(body, is_quoted)[: len(short) - 1] or (
        short == _split(body, is_quoted)
    )


@_QUICK
@given(st.lists(st.lists(st.tuples(st.sampled_from("ab\\"), _json), max_size=3), min_size=1, max_size=3))
def test_plainly_distinct_names_are_never_repeated(objects: list[list[tuple[str, Any]]]) -> None:
    def text(value: Any) -> str:
        return msgspec.json.encode(value).decode()

    bodies = [
        ("{" + ",".join(f"{text(name)}:{text(value)}" for name, value in each) + "}").encode() for each in objects
    ]
    items = [msgspec.json.decode(body) for body in bodies]
    if are_plainly_distinct(bodies, items):
        assert not any(map(has_repeated_names, bodies))


_moments = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds + 0.25, UTC))
_things = st.builds(
    Thing,
    flag=st.booleans(),
    number=st.integers(-(2**63), 2**63 - 1),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    price=st.decimals(-99, 99, places=2),
    free=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3),
    text=_texts,
    blob=st.binary(max_size=4),
    moment=st.none() | _moments,
    day=st.none() | st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    clock=st.none() | st.times(time(0), time(23, 59)),
    span=st.none() | st.timedeltas(timedelta(days=-2), timedelta(days=2)),
    tags=st.lists(_texts, max_size=2),
    numbers=st.dictionaries(_texts, st.integers(-9, 9), max_size=2),
    anything=_json,
    page=st.none() | st.integers(-9, 9),
)


_NAMES = [each.name for each in Thing.__holdall__.stored]
_to_json = Model.to_json


def _by_records() -> AbstractContextManager[object]:
    """A model with a JSON of its own, which is asked of records."""
    return patch.object(Thing, "to_json", lambda self, **options: _to_json(self, **options))


async def _exported(app: Holdall, path: Path, **options: Any) -> bytes:
    await app.export_records(Thing.where().sort(Thing.number, Thing.id), path, **options)
    with path.open("rb") as file:
        return file.read()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_rows_are_written_as_their_records_are(tmp_path: Path, kind: str, form: str) -> None:
    @settings(_QUICK, max_examples=15)
    @given(
        st.lists(_things, max_size=5),
        st.booleans(),
        st.none()
        | st.lists(st.sampled_from([each.name for each in Thing.__holdall__.stored]), min_size=1, unique=True),
    )
    def look(things: list[Thing], keeps_formulas: bool, columns: list[str] | None) -> None:
        async def work() -> None:
            app = everything(local_url(kind, Path(mkdtemp(dir=tmp_path))))
            await app.create()
            async with app.session() as session:
                france = session.add(Country(code="FR", name="France"))
                city = session.add(City(name="Paris", country=france))
                line = session.add(Line(order=1, code="=a"))
                for each in things:
                    each.city, each.line, each.cities = city, line, [city]
                    session.add(each)
            options = {"form": form, "keeps_formulas": keeps_formulas, "columns": columns}
            quick = await _exported(app, tmp_path / "things", **options)
            with _by_records():
                assert quick == await _exported(app, tmp_path / "things", **options)
            await app.close()

        asyncio.run(work())

    look()


async def test_a_planted_cell_that_is_written_otherwise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_columns, "_FLAGS", {True: "1", False: "0"})
    app = everything("memory:")
    async with app.session() as session:
        session.add(Thing(flag=True, cities=()))
    quick = await _exported(app, tmp_path / "things", form="csv")
    with _by_records():
        assert quick != await _exported(app, tmp_path / "things", form="csv")


class Note(SoftDeleted, collection="notes"):
    id: int = field(pk=True)
    text: str = field(default="", length=(0, 3))
    secret: str = "s"


def _notes(url: str, policy: Policy | None = None) -> Holdall:
    app = Holdall("notes")
    app.add_store("main", url)
    app.add(Note, store="main", policy=policy or Policy(read=Everyone, write=Everyone))
    return app


@pytest.mark.parametrize("kind", LOCAL)
async def test_deleted_records_and_hidden_fields_are_in_no_export(kind: str, tmp_path: Path) -> None:
    rights = {"secret": FieldRights(read=Nobody)}
    app, path = _notes(local_url(kind, tmp_path), Policy(read=Note.id < 3, fields=rights)), tmp_path / "notes.csv"
    await app.create()
    async with app.session() as session:
        session.add_all([Note(id=number) for number in (1, 2, 3)])
        await session.commit()
        session.remove(await session.require(Note, 1))
    assert await app.export_records(Note.where().sort(Note.id), path, user=User("ann")) == 1
    with path.open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"id": "2", "text": "", "deleted_at": "", "deleted_by": ""}]
    assert await app.export_records(Note, path) == 2
    assert await app.export_records(Note.only_deleted(), path) == 1
    await app.close()


async def test_an_export_of_what_cannot_be_read_tells_which_record(tmp_path: Path) -> None:
    app = everything(f"sqlite:///{tmp_path}/a.db")
    await app.create()
    async with app.session() as session:
        session.add_all([Thing(number=number, cities=()) for number in range(3)])
    async with app.session() as session:
        await session.sql("UPDATE things SET colour = 'mauve' WHERE number = 1")
    told = []
    for columns in (None, ["number"]):
        with pytest.raises(CorruptRecord) as quick:
            await app.export_records(Thing, tmp_path / "things.csv", columns=columns)
        with _by_records(), pytest.raises(CorruptRecord) as general:
            await app.export_records(Thing, tmp_path / "things.csv", columns=columns)
        told += [str(quick.value), str(general.value)]
    assert len(set(told)) == 1
    await app.close()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", LOCAL)
async def test_the_size_of_batches_changes_no_report(kind: str, form: str, tmp_path: Path) -> None:
    lines = ["1,a", "2,long text", "x,b", "1,again", "3", ",c", "4,d", '5,"', "6,e", "1,a"]
    objects = [
        '{"id": 1, "text": "a"}',
        '{"text": "b", "id": 2, "other": 1}',
        '{"id": 3, "id": 4}',
        "[]",
        '{"id": "5"}',
        '{"id": 1}',
        '{"id": 6, "text": "long text", "secret": 7}',
        '{"text": "c", "id": 7}',
    ]
    path, reports = tmp_path / f"notes.{form}", []
    path.write_text("\n".join(["id,text", *lines] if form == "csv" else objects) + "\n")
    for size in (1, 2, 500):
        (tmp_path / str(size)).mkdir()
        app = _notes(local_url(kind, tmp_path / str(size)))
        await app.create()
        report = await app.import_records(Note, path, batch=size)
        async with app.session() as session:
            stored = sorted(note.to_json() for note in await session.query(Note.where()))
        failures = [
            (each.line, [error for error in each.errors if error.code not in ("refused", "exists")])
            for each in report.failures
        ]
        reports.append((report.lines, report.created, report.failed, failures, stored))
        await app.close()
    assert reports[0] == reports[1] == reports[2]
    assert (reports[0][0], reports[0][1]) == (8, 2)


async def test_records_added_together_are_as_those_added_one_by_one() -> None:
    app = _notes("memory:")
    async with app.session() as session:
        notes = session.add_all([Note(id=number) for number in (1, 2)])
        assert session.add(notes[0]) is notes[0]
        with pytest.raises(HoldallError, match="already holds"):
            session.add_all([Note(id=3), Note(id=2)])
        twice = Note(id=4)
        assert session.add_all([twice, twice]) == [twice, twice]
        session.rollback()
        with pytest.raises(HoldallError, match="discarded"):
            session.add_all(notes)
        session.add_all([Note(id=5), Note(id=6)])
        await session.commit()
        assert [note.id for note in await session.query(Note.where().sort(Note.id))] == [5, 6]


def test_what_is_wrong_with_a_row_is_an_error_of_fields() -> None:
    app = _notes("memory:")
    app.bindings.configure()
    rows = CsvInput(app.bindings.of_model(Note).schema, ["id", "text"], b"id,text", (), keeps_formulas=False)
    assert rows.rows_of_all([b"1,a", b"1", b",b"]) == [
        (1, "a"),
        FieldError("", "csv", "must have 2 columns"),
        {"text": "b"},
    ]


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    volumes: Many[Volume] = back("shelf", fill=Fill.STORED)


class Volume(Model, collection="volumes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_lists_of_records_that_a_user_may_not_read_are_in_no_export(form: str, tmp_path: Path) -> None:
    app, path = Holdall("shelves"), tmp_path / "shelves"
    app.add_store("main", "memory:")
    app.add(Shelf, store="main", policy=Policy(read=Everyone))
    app.add(Volume, store="main", policy=Policy(read=Nobody))
    async with app.session() as session:
        session.add(Shelf(id=1))
        await session.commit()
        session.add(Volume(id=7, shelf=1))
    for user, told in ((User("ann"), False), (SYSTEM, True)):
        assert await app.export_records(Shelf, path, form=form, user=user) == 1
        with path.open("rb") as file:
            assert (b"7" in file.read()) is told
    with pytest.raises(QueryError, match="volumes"):
        await app.export_records(Shelf, path, form=form, user=User("ann"), columns=["volumes"])
    await app.close()
