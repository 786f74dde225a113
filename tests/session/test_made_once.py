"""A part that is made once is made when it is first asked for, and is then what it was."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.session.made_once import MadeOnce


class Page:
    made = 0
    lines = MadeOnce[list[str]](lambda page: page._made())

    def _made(self) -> list[str]:
        self.made += 1
        return ["first"]


class Leaf(msgspec.Struct, dict=True):
    notes = MadeOnce[dict[str, Any]](lambda leaf: {"of": leaf})


def test_it_is_made_at_the_first_look_and_for_each_object() -> None:
    one, other = Page(), Page()
    assert one.made == 0
    one.lines.append("second")
    assert (one.lines, one.made) == (["first", "second"], 1)
    assert (other.lines, other.made) == (["first"], 1)


def test_it_can_be_a_part_of_a_struct_and_be_replaced() -> None:
    leaf = Leaf()
    assert leaf.notes is leaf.notes
    assert leaf.notes["of"] is leaf
    leaf.notes = {}
    assert leaf.notes == {}


def test_the_class_has_the_description() -> None:
    assert isinstance(Page.lines, MadeOnce)
