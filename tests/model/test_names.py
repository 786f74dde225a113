"""Which model a name in an annotation means: the model itself, one of the function around it, one of the module."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from holdall import Holdall, Many, Model, Ref, back, field
from holdall.errors import DeclarationError


class Node(Model):
    id: int = field(pk=True)
    up: Ref[Node | None] = field(default=None)
    leaves: Many[Leaf] = back("node")


class Leaf(Model):
    id: int = field(pk=True)
    node: Ref[Node]


def target(model: Any, name: str) -> Any:
    return model.__holdall__.by_name[name].target()


def test_a_model_of_a_module_finds_itself_and_those_declared_later() -> None:
    assert target(Node, "up") is Node
    assert target(Node, "leaves") is Leaf
    assert target(Leaf, "node") is Node


def test_a_model_of_a_function_is_not_the_one_of_its_name_in_the_module() -> None:
    class Node(Model):
        id: int = field(pk=True)
        up: Ref[Node | None] = field(default=None)
        downs: Many[Node] = back("up")

    assert target(Node, "up") is Node
    assert target(Node, "downs") is Node
    root = Node(id=2)
    assert Node(id=1, up=root).up.record is root


def test_a_name_that_the_function_gives_later_is_not_looked_for_in_the_module() -> None:
    class Tree(Model):
        id: int = field(pk=True)
        leaf: Ref[Leaf | None] = field(default=None)

    class Leaf(Model):
        id: int = field(pk=True)

    with pytest.raises(DeclarationError, match="'Leaf' is not known yet"):
        target(Tree, "leaf")
    app = Holdall("trees")
    app.add_store("m", "memory:")
    app.add(Tree, Leaf, store="m")
    app.bindings.configure()
    assert target(Tree, "leaf") is Leaf


def test_a_name_that_the_function_gave_before_hides_that_of_the_module() -> None:
    class Leaf(Model):
        id: int = field(pk=True)

    class Tree(Model):
        id: int = field(pk=True)
        leaf: Ref[Leaf]

    assert target(Tree, "leaf") is Leaf


def test_a_class_that_is_declared_again_refers_to_itself() -> None:
    module = types.ModuleType("declared_again")
    sys.modules[module.__name__] = module
    source = (
        "from __future__ import annotations\nfrom holdall import Model, Ref, field\n"
        "class Node(Model):\n    id: int = field(pk=True)\n    up: Ref[Node | None] = field(default=None)\n"
    )
    try:
        for _ in range(2):  # as a cell of a notebook is
            exec(source, module.__dict__)
            assert target(module.Node, "up") is module.Node
    finally:
        del sys.modules[module.__name__]


def test_a_model_to_come_within_a_list() -> None:
    class Shelf(Model):
        id: int = field(pk=True)
        seen: tuple[Ref[Later], ...] = ()
        kept: frozenset[Ref[Later]] = frozenset()

    class Later(Model):
        id: int = field(pk=True)

    later: Any = Later(id=1)
    shelf = Shelf(id=1, seen=(later,), kept=frozenset([later]))
    assert [each.key for each in (*shelf.seen, *shelf.kept)] == [1, 1]
