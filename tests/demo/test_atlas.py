from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from demo.atlas import City, Country, atlas
from demo.atlas.loading import BATCH, load
from demo.atlas.questions import QUESTIONS, Question, ask
from demo.atlas.source import Source
from holdall.cli import Failure
from tests.support.sources import HOUSE
from tests.support.terminal import get, run, started

_LIMIT = BATCH + 500  # two batches


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(_LIMIT)


class _Interruption(BaseException):
    """As if Ctrl-C were pressed."""


def _interrupt_in_the_cities(number: int) -> None:
    if number == BATCH:
        raise _Interruption


def _counts(folder: Path) -> tuple[int, int]:
    async def count() -> tuple[int, int]:
        app = atlas(folder)
        try:
            async with app.session() as session:
                return await session.count(Country.where()), await session.count(City.where())
        finally:
            await app.close()

    return asyncio.run(count())


def test_an_interrupted_load_leaves_nothing_and_the_next_one_all(tmp_path: Path, source: Source) -> None:
    folder = tmp_path / "atlas"
    with pytest.raises(_Interruption):
        load(folder, source, _interrupt_in_the_cities)
    assert not folder.exists()
    assert _counts(tmp_path / "atlas.loading") == (252, BATCH)
    advanced: list[int] = []
    load(folder, source, advanced.append)
    assert _counts(folder) == (252, _LIMIT)
    assert sum(advanced) == len(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["atlas", "atlas.lock"]


def test_what_is_loaded_is_left_alone(tmp_path: Path, source: Source) -> None:
    (tmp_path / "atlas").mkdir()
    load(tmp_path / "atlas", source, lambda number: pytest.fail("loaded again"))
    assert not list((tmp_path / "atlas").iterdir())


def test_two_do_not_load_at_once(tmp_path: Path, source: Source) -> None:
    folder = tmp_path / "atlas"

    def load_too(number: int) -> None:
        with pytest.raises(Failure, match="another process is loading"):
            load(folder, source, lambda number: None)
        raise _Interruption

    with pytest.raises(_Interruption):
        load(folder, source, load_too)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The atlas as it is started by hand, with few cities."""
    folder = tmp_path_factory.mktemp("demo") / "atlas"
    arguments = ("demo.atlas", "--folder", str(folder), "--limit", "2000", "--port", "0")
    with started(HOUSE, *arguments) as (_, address):
        yield address


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.path)
def test_the_questions_have_right_answers(served: str, question: Question) -> None:
    assert ask(served, question) is None


def test_a_wrong_answer_is_told(served: str) -> None:

    assert ask(served, replace(QUESTIONS[0], path="/cities?country.name=Spain&sort=-population&page_size=3"))
    assert "404" in str(ask(served, replace(QUESTIONS[1], path="/cities/1")))
    assert "no answer" in str(ask("http://127.0.0.1:9", QUESTIONS[1]))


def test_references_cross_the_stores_and_back(served: str) -> None:
    found = json.loads(get(f"{served}/cities?country.continent.name=Oceania&sort=-population&page_size=1"))
    assert found["data"][0]["name"] == "Sydney"


def test_tours_come_from_the_api_of_the_agency(served: str) -> None:
    found = json.loads(get(f"{served}/tours?city.country.name=France&days__lt=10"))
    assert [each["name"] for each in found["data"]] == ["Museums and bread"]
    assert json.loads(get(f"{served}/agency/tours?size=1"))["total"] == 5


def test_models_that_do_not_fit_are_told_before_serving(tmp_path: Path) -> None:
    (tmp_path / "atlas").mkdir()
    said = run(HOUSE, "demo.atlas", "--folder", str(tmp_path / "atlas"), "--port", "0")
    assert said.code == 1
    assert "is missing" in said.errors
    assert "rm -r" in said.errors
    assert "Traceback" not in said.errors


def test_a_taken_port_is_told(served: str, tmp_path: Path) -> None:
    port = served.rpartition(":")[2]
    said = run(HOUSE, "demo.atlas", "--folder", str(tmp_path / "atlas"), "--port", port)
    assert (said.code, said.errors) == (
        1,
        f"port {port} on 127.0.0.1 is in use; choose another: make run PORT=8001\n",
    )


def test_the_check_passes() -> None:
    said = run(HOUSE, "demo.atlas", "--check", "--limit", "2000")
    assert (said.code, said.output.count("right  /")) == (0, len(QUESTIONS))


def test_who_knows_the_token_may_change_records(tmp_path: Path, source: Source) -> None:
    load(tmp_path / "atlas", source, lambda number: None)
    arguments = ("demo.atlas", "--folder", str(tmp_path / "atlas"), "--port", "0")
    with started(HOUSE, *arguments) as (process, address):
        assert process.stdout is not None
        token = next(found[1] for line in process.stdout if (found := re.search(r"Bearer (\S+)'", line)))
        assert _rename_paris(address, "") == 401
        assert _rename_paris(address, "Bearer wrong") == 401
        assert _rename_paris(address, f"Bearer {token}") == 200
        paris = json.loads(get(f"{address}/cities/2988507"))
        assert (paris["name"], paris["version"]) == ("Lutetia", 2)


def _rename_paris(address: str, authorization: str) -> int:
    request = urllib.request.Request(
        f"{address}/cities/2988507",
        data=b'{"name": "Lutetia"}',
        headers={"Content-Type": "application/json", "Authorization": authorization},
        method="PATCH",
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            status: int = reply.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
