"""Files of records from the wild: open quotation marks, long cells, forbidden lines, texts that look like JSON."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall import JSON, Everyone, Holdall, Model, Owner, Policy, User, field
from holdall.cli.rows import Form, print_rows
from holdall.errors import QueryError
from holdall.model import lines_in
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Own(Model, collection="own"):
    id: int = field(pk=True)
    owner: str = ""
    text: str = ""


async def test_a_line_that_the_user_may_not_give_is_told_and_the_others_stored(tmp_path: Path) -> None:
    app, path = Holdall("own"), tmp_path / "own.ndjson"
    app.add_store("main", "memory:")
    app.add(Own, store="main", policy=Policy(read=Everyone, write=Owner("owner")))
    async with app.session() as session:
        session.add(Own(id=1, owner="eve"))
    lines = [{"id": 1, "text": "x"}, {"id": 2, "owner": "eve"}, {"id": 3, "owner": "ann"}]
    path.write_text("\n".join(map(json.dumps, lines)))
    report = await app.import_records(Own, path, user=User("ann"), upsert=True)
    assert (report.created, [each.line for each in report.failures]) == (1, [1, 2])
    client = Client(app.asgi(authenticate=who_is_ann))
    body = "\n".join(json.dumps({"id": number, "owner": owner}) for number, owner in ((4, "eve"), (5, "ann")))
    answer = await client.request("POST", "/own", body=body.encode(), headers={"content-type": "application/x-ndjson"})
    assert (answer.status, answer.json()["created"], answer.json()["errors"][0]["line"]) == (207, 1, 1)


async def who_is_ann(scope: Any) -> User:
    return User("ann")


class Word(Model, collection="words"):
    text: str = field(pk=True)


async def test_cells_may_be_of_any_length_and_of_spaces(tmp_path: Path) -> None:
    app, path = Holdall("words"), tmp_path / "words.csv"
    app.add_store("main", "memory:")
    app.add(Word, store="main")
    texts = sorted(["  ", "x" * (csv.field_size_limit() + 1), "\t"])
    async with app.session() as session:
        session.add_all([Word(text=text) for text in texts])
    await app.export_records(Word, path)
    async with app.session() as session:
        await session.delete(Word.where())
    assert (await app.import_records(Word, path)).created == 3
    async with app.session() as session:
        assert [each.text for each in await session.query(Word.where().sort(Word.text))] == texts
    for wrong in (Word.where().only(Word.text), Word.where().group_by(Word.text).only(Word.text)):
        with pytest.raises(QueryError, match="whole records"):
            await app.export_records(wrong, path)
    for columns in ([], ["text", "text"]):
        with pytest.raises(QueryError, match="each once"):
            await app.export_records(Word, path, columns=columns)


@given(st.text('a",\n\r ', max_size=40), st.lists(st.integers(0, 40), max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_lines_do_not_depend_on_how_they_come(text: str, cuts: list[int], is_quoted: bool) -> None:
    body, places = text.encode(), sorted(cuts)

    async def lines(parts: list[bytes]) -> list[tuple[int, bytes]]:
        async def given_parts() -> Any:
            for part in parts:
                yield part

        return [line async for lines in lines_in(given_parts(), 1_000, is_quoted=is_quoted) for line in lines]

    parts = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    assert asyncio.run(lines(parts)) == asyncio.run(lines([body]))


def test_a_mark_that_is_never_closed_costs_one_look_at_each_byte() -> None:
    async def parts() -> Any:
        yield b'"'
        for _ in range(40):
            yield b"\n" * 20_000  # looked at from the beginning for each one, this takes minutes

    async def lines() -> int:
        return len([line async for lines in lines_in(parts(), 10_000_000, is_quoted=True) for line in lines])

    assert asyncio.run(lines()) == 1


class Noted(Model, collection="noted"):
    id: int = field(pk=True)
    note: JSON | None = None


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
async def test_texts_of_json_stay_texts(ending: str, tmp_path: Path) -> None:
    app, path = Holdall("noted"), tmp_path / f"noted.{ending}"
    app.add_store("main", "memory:")
    app.add(Noted, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add_selection("whole", Noted.where().sort(Noted.id))
    app.add_selection("of-columns", Noted.where().sort(Noted.id).only(Noted.id, Noted.note))
    notes: list[Any] = ["1", "null", "true", "", '"a"', "[1]", "=1", "-1", "'-1", "text", 1, None, [""], "[" * 2_000]
    async with app.session() as session:
        session.add_all([Noted(id=number, note=note) for number, note in enumerate(notes)])
    await app.export_records(Noted, path)
    client = Client(app.asgi())
    shown = await client.get(f"/noted?format={ending}")
    assert shown.body == path.read_bytes()
    for selection in ("whole", "of-columns"):
        selected = await client.get(f"/noted/selections/{selection}?format={ending}")
        assert selected.body == path.read_bytes()
    printed = io.StringIO()
    with redirect_stdout(printed):
        async with app.session() as session:
            await print_rows(session.stream(Noted.where().sort(Noted.id)), (), Form(ending))
    assert printed.getvalue().encode() == path.read_bytes().replace(b"\r\n", b"\n")
    async with app.session() as session:
        await session.delete(Noted.where())
    assert (await app.import_records(Noted, path)).failed == 0
    async with app.session() as session:
        assert [each.note for each in await session.query(Noted.where().sort(Noted.id))] == notes
