from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from holdall.errors import StaleVersion, StoreError
from holdall.store import APPLIED, Change, KeyOf, Outcome, Run, Runs, Verb
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.steps import Delete, Insert, Step, Update
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.writes import Writes
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book, remove


def carried_out(changes: Sequence[Change], replies: Sequence[Any] = ()) -> tuple[list[Step], list[Outcome]]:
    """The steps of the changes, and their outcomes, from a database that counts keys from 1."""
    tables = Tables(SQLITE)
    tables.bind([AUTHOR, BOOK])
    answers = iter(replies)
    counters: dict[str, int] = {}
    steps = Writes("main", tables, Compiler(tables).query).steps(changes)
    done: list[Step] = []
    try:
        step = next(steps)
        while True:
            done.append(step)
            reply: Any = None
            if isinstance(step, Insert):
                first = counters.get(step.table.name, 0)
                counters[step.table.name] = first + len(step.rows)
                reply = list(range(first + 1, first + 1 + len(step.rows))) if step.generated else None
            else:
                reply = next(answers, None)
            step = steps.send(reply)
    except StopIteration as end:
        return done, end.value


def test_changes_of_one_kind_are_one_step() -> None:
    done, outcomes = carried_out([add_author("a"), add_author("b"), add_book("x", 1), add_book("y", 1)])
    assert [(step.collection, len(step.rows)) for step in done] == [("author", 2), ("book", 2)]
    assert outcomes == [Outcome(1), Outcome(2), Outcome(1), Outcome(2)]


def test_order_is_kept_between_kinds() -> None:
    done, _ = carried_out([add_author("a"), add_book("x", 1), add_author("b")])
    assert [step.collection for step in done] == ["author", "book", "author"]


@pytest.mark.parametrize("is_untold", [True, False])
def test_a_key_that_nobody_asks_for_is_not_told(is_untold: bool) -> None:
    run = Run(Verb.ADD, "author", ("name",), [None, None], [("a",), ("b",)], is_untold=is_untold)
    (step,), outcomes = carried_out(Runs([run], is_linked=False))
    assert isinstance(step, Insert)
    assert (step.columns, step.rows, step.given) == (("name",), [("a",), ("b",)], None)
    assert step.generated == (None if is_untold else "id")
    assert outcomes == ([APPLIED, APPLIED] if is_untold else [Outcome(1), Outcome(2)])


def test_keys_to_come_are_filled_in() -> None:
    done, _ = carried_out([add_author("a"), add_author("b"), add_book("x", KeyOf(1), editors=[KeyOf(1), KeyOf(0)])])
    assert done[1].rows == [("x", None, 2, 1)]
    assert isinstance(done[2], Insert)
    assert done[2].rows == [(1, 2, 0), (1, 1, 1)]
    assert done[2].positions == [2, 2]


def test_a_batch_ends_before_a_record_that_needs_a_key_of_it() -> None:
    tree = BOOK.fields[:3]
    assert tree[0].name == "id"
    changes = [add_author("a"), add_book("x", KeyOf(0)), add_book("y", 1)]
    done, _ = carried_out(changes)
    assert [len(step.rows) for step in done] == [1, 2]


def test_a_key_that_is_never_made_is_refused() -> None:
    with pytest.raises(StoreError, match="no earlier ADD"):
        carried_out([add_book("x", KeyOf(1)), add_author("a")])


def test_the_version_is_part_of_what_is_matched() -> None:
    done, outcomes = carried_out([edit_book(7, 3, title="z")])
    assert isinstance(done[0], Update)
    assert done[0].match == ("id", "version")
    assert done[0].rows == [("z", 4, 7, 3)]
    assert outcomes == [APPLIED]


def test_no_version_no_match() -> None:
    done, _ = carried_out([edit_book(7, None, title="z")])
    assert isinstance(done[0], Update)
    assert done[0].match == ("id",)


def test_a_record_not_found_is_stale() -> None:
    with pytest.raises(StaleVersion) as caught:
        carried_out([add_author("a"), edit_book(7, 3, title="z"), edit_book(8, 3, title="z")], [1])
    assert (caught.value.key, caught.value.position) == (8, 2)


def test_links_go_before_their_owner() -> None:
    done, _ = carried_out([remove("book", 7, 3)])
    assert isinstance(done[0], Delete)
    assert isinstance(done[1], Delete)
    assert (done[0].table.name, done[0].is_exact, done[1].table.name) == ("book_editors", False, "book")


def test_new_links_replace_old_ones() -> None:
    done, _ = carried_out([edit_book(7, 3, editors=(5,))])
    assert [(type(step), step.rows) for step in done] == [
        (Update, [(4, 7, 3)]),
        (Delete, [(7,)]),
        (Insert, [(7, 5, 0)]),
    ]


@pytest.mark.parametrize(
    "changes, is_only",
    [
        ([add_author("a"), add_author("b")], True),
        ([add_author("a"), add_book("x", 1)], False),
        ([add_book("x", 1, editors=[1])], False),
        ([remove("author", 1)], True),
        ([remove("book", 1)], False),
    ],
)
def test_a_step_knows_whether_it_is_the_only_one(changes: list[Change], is_only: bool) -> None:
    done, _ = carried_out(changes)
    assert done[-1].is_only is is_only


def test_a_key_given_for_a_counted_column_is_told() -> None:
    done, outcomes = carried_out([add_author("a", 17)])
    assert isinstance(done[0], Insert)
    assert (done[0].given, done[0].generated) == ("id", None)
    assert outcomes == [APPLIED]
