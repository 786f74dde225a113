"""Keys that were still to be made when changes were planned stand wherever they were meant, in values and in lists."""

from __future__ import annotations

from holdall.session.commit.two_phase.known_keys import shifted, with_keys
from holdall.store import Change, KeyOf, Members, Outcome, Verb

_AUTHOR = Change(Verb.ADD, "author", None, ("name",), ("Ann",))


def _book(key: object, values: tuple[object, ...]) -> Change:
    return Change(Verb.ADD, "book", key, tuple("abc"[: len(values)]), values)


def test_a_made_key_takes_its_place_wherever_it_was_meant() -> None:
    members = Members.of((KeyOf(0), 9), (9,))
    book = _book((KeyOf(0), 2), (KeyOf(0), (1, KeyOf(0)), members))
    author, made = with_keys([_AUTHOR, book], [Outcome(key=7), Outcome()])
    assert (author.key, made.key) == (7, (7, 2))
    assert made.values == (7, (1, 7), (7, 9))
    assert type(made.values[2]) is Members
    assert made.values[2].before == members.before


def test_changes_that_wait_for_no_key_are_the_same() -> None:
    book = _book(1, ("Emma", (1, 2)))
    assert with_keys([book], [Outcome()])[0] is book


def test_changes_behind_others_wait_for_keys_that_much_further_on() -> None:
    book = _book((KeyOf(0), 2), (KeyOf(0), (1, KeyOf(1))))
    (later,) = shifted([book], 3)
    assert (later.key, later.values) == ((KeyOf(3), 2), (KeyOf(3), (1, KeyOf(4))))
    assert shifted([_AUTHOR], 3) == [_AUTHOR]
