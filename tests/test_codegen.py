"""Generated functions show their lines where something goes wrong in them, and hold nothing but what they are given."""

from __future__ import annotations

import traceback

import pytest

from holdall import Model, field
from holdall.codegen import function
from holdall.errors import ValidationError
from tests.support.session_without_store import made


class Book(Model):
    id: int = field(pk=True)
    title: str = ""


def test_a_traceback_shows_the_line() -> None:
    divide = function("divide", "x", ["    half = 2", "    return half / x"], {}, "an example")
    assert divide(4) == 0.5
    with pytest.raises(ZeroDivisionError) as caught:
        divide(0)
    (frame,) = [frame for frame in traceback.extract_tb(caught.tb) if frame.name == "divide"]
    assert (frame.filename.startswith("<holdall an example "), frame.line) == (True, "return half / x")


def test_a_model_says_in_tracebacks_which_field_is_written() -> None:
    book = made(Book, id=1)
    with pytest.raises(ValidationError) as caught:
        book.title = 5
    assert any(
        frame.line and "validated(record, field, value)" in frame.line for frame in traceback.extract_tb(caught.tb)
    )


def test_functions_that_are_written_alike_are_told_apart() -> None:
    body = ["    deeper = lambda: 2 / x", "    return deeper()"]
    for about in ("Book.pages, written", "Author.born, written"):
        with pytest.raises(ZeroDivisionError) as caught:
            function("halved", "x", body, {}, about)(0)
        frames = traceback.extract_tb(caught.tb)[1:]
        assert [frame.filename.startswith(f"<holdall {about} ") for frame in frames] == [True, True]
        assert [frame.line for frame in frames] == ["return deeper()", "deeper = lambda: 2 / x"]


def test_names_are_its_own() -> None:
    names = {"factor": 2}
    double = function("double", "x", "x * factor", names, "an example")
    names["factor"] = 3
    assert double(21) == 42
    assert set(names) == {"factor"}
