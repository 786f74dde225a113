from __future__ import annotations

import copy
import pickle
import sys
from types import ModuleType
from typing import Any, ClassVar

import pytest

from holdall.errors import DeclarationError, ValidationError
from holdall.model import Many, Model, Ref, back, check, computed, field, schema_of


def _meta(model: Any) -> Any:
    return type(model)


class Stamped(Model, abstract=True):
    made_by: str = ""
    stars: int = field(default=0, ge=0)

    @check
    def _has_maker(self) -> str | None:
        return "must have a maker" if self.made_by == "?" else None

    @computed
    def label(self) -> str:
        return f"by {self.made_by}"


class Ranked(Model, abstract=True):
    stars: int = field(default=5, le=5)
    rank: int = 1


class Thing(Stamped):
    id: int = field(pk=True)


class Other(Stamped, Ranked):
    id: int = field(pk=True)


class Special(Thing, unique=[("id", "extra")]):
    extra: str = "x"
    made_by: str = field(default="Ann", length=(1, 9))


def test_fields_come_from_bases_first_and_keep_their_place() -> None:
    assert [made.name for made in Special.__holdall__.stored] == ["made_by", "stars", "id", "extra"]
    special = Special(id=1)
    assert (special.made_by, special.stars, special.id, special.extra, special.label) == ("Ann", 0, 1, "x", "by Ann")
    assert isinstance(special, Thing)
    with pytest.raises(ValidationError):
        Special(id=1, made_by="")
    assert Thing(id=1, made_by="").made_by == ""
    assert [made.name for made in Special.__holdall__.key] == ["id"]


def test_several_bases_follow_the_order_of_python() -> None:
    other = Other(id=1)
    assert (other.stars, other.rank) == (0, 1)
    with pytest.raises(ValidationError):
        Other(id=1, stars=-1)
    assert Other(id=1, stars=9).stars == 9

    class Root(Model, abstract=True):
        value: int = 0

    class Left(Root, abstract=True):
        value: int = 1

    class Right(Root, abstract=True):
        pass

    class Both(Right, Left):
        id: int = field(pk=True)

    assert Both(id=1).value == 1

    with pytest.raises((DeclarationError, TypeError)):
        _meta(Model)("Crossed", (Root, Left), {"__module__": __name__, "__annotations__": {}})


def test_models_of_one_base_do_not_share_slots() -> None:
    thing, other = Thing(id=1, made_by="a"), Other(id=2, rank=3, made_by="b")
    assert Thing.__holdall__.by_name["made_by"].get(thing) == "a"
    assert Other.__holdall__.by_name["made_by"].get(other) == "b"
    thing.stars = 2
    other.stars = 3
    assert (thing.stars, other.stars) == (2, 3)


def test_checks_and_computed_values_are_inherited_and_replaced() -> None:
    with pytest.raises(ValidationError, match="must have a maker"):
        Thing(id=1, made_by="?")

    class Lenient(Thing):
        def _has_maker(self) -> str | None:
            return "never asked"

        @computed
        def label(self) -> str:
            return "mine"

    lenient = Lenient(id=1, made_by="?")
    assert lenient.label == "mine"
    assert set(Thing.__holdall__.computed) == {"label"}


def test_a_key_can_be_overridden_by_a_plain_field() -> None:
    class Plain(Thing):
        id: int = 0
        code: str = field(pk=True)

    assert [made.name for made in Plain.__holdall__.key] == ["code"]
    assert Plain(code="a").id == 0


def test_a_reference_can_be_overridden_by_a_value_and_back() -> None:
    class First(Model):
        id: int = field(pk=True)
        link: Ref[Thing] = field()
        items: list[str] = field(default_factory=list)

    class Second(First):
        link: int = 3  # type: ignore[assignment]
        items: str = ""  # type: ignore[assignment]

    class Third(Second):
        link: Ref[Thing] = field()  # type: ignore[assignment]

    assert First(id=1, link=2).link.key == 2
    second = Second(id=1)
    assert (second.link, second.items) == (3, "")
    assert Third(id=1, link=4).link.key == 4


def test_unique_groups_are_inherited() -> None:
    class More(Special, unique=["extra", ("stars", "extra")]):
        pass

    assert More.__holdall__.unique == (("id", "extra"), ("extra",), ("stars", "extra"))
    assert schema_of(More, "more", str).unique == More.__holdall__.unique
    with pytest.raises(DeclarationError, match="must name fields"):
        _meta(Thing)("Wrong", (Thing,), {"__module__": __name__, "__annotations__": {}}, unique=[("nothing",)])


def test_abstract_models_have_no_records() -> None:
    with pytest.raises(DeclarationError, match="is abstract"):
        Stamped()


def test_models_declared_inside_functions_find_each_other() -> None:
    class Parent(Model):
        id: int = field(pk=True)
        children: Many[Child] = back("parent")
        best: Ref[Child | None] = field(default=None)

    class Child(Model):
        id: int = field(pk=True)
        parent: Ref[Parent]

    for model in (Parent, Child):
        model.__holdall__.resolve({"Parent": Parent, "Child": Child})
    parent = Parent(id=1)
    child = Child(id=2, parent=parent)
    parent.best = child
    assert (child.parent.record, parent.best.record) == (parent, child)
    with pytest.raises(ValidationError):
        parent.best = parent  # type: ignore[assignment]


SOURCE = """
from typing import Optional
from holdall.model import Model, Ref, Many, back, field

class Book(Model):
    id: int = field(pk=True)
    author: Ref["Author"]
    editor: "Ref[Author | None]" = field(default=None)
    reviewer: Ref["Author | None"] = field(default=None)
    agent: Ref[Optional["Author"]] = field(default=None)
    readers: tuple[Ref["Author"], ...] = ()

class Author(Model):
    id: int = field(pk=True)
    name: str = "{name}"
    books: Many["Book"] = back("author")
"""


def _module(name: str, future: str) -> Any:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(future + SOURCE.replace("{name}", name), name, "exec", dont_inherit=True), module.__dict__)
    return module


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_names_as_text_and_two_models_of_one_name(future: str) -> None:
    one, two = _module("library_one", future), _module("library_two", future)
    for module in (one, two):
        author = module.Author(id=1)
        book = module.Book(id=1, author=author, editor=author, reviewer=None, agent=2, readers=(author, 3))
        assert book.author.name == book.editor.name == module.__name__
        assert [made.nullable for made in module.Book.__holdall__.relations[:4]] == [False, True, True, True]
        assert module.Author.__holdall__.by_name["books"].target() is module.Book
        assert pickle.loads(pickle.dumps(copy.copy(author))).name == module.__name__
    with pytest.raises(ValidationError):
        one.Book(id=1, author=two.Author(id=1))


def test_class_variables_and_methods_are_no_fields() -> None:
    class Doc(Model, collection="papers"):
        limit: ClassVar[int] = 3
        id: int = field(pk=True)

        def twice(self) -> int:
            return self.id * 2

    assert (Doc.limit, Doc(id=2).twice(), list(Doc.__holdall__.by_name)) == (3, 4, ["id"])
    assert (Doc.__holdall__.collection, Special.__holdall__.collection) == ("papers", "special")


@pytest.mark.parametrize(
    "body",
    [
        {"name": field()},
        {"__init__": lambda self: None},
        {"__annotations__": {"fields": int}},
        {"__annotations__": {"objects": int}},
        {"__annotations__": {"mro": int}},
        {"__annotations__": {"__own": int}},
        {"__annotations__": {"thing": "Unknown"}},
        {"__annotations__": {"thing": "Ref[int]"}},
        {"__annotations__": {"thing": "Many[Thing]"}, "thing": field(pk=True)},
        {"__annotations__": {"thing": "Ref[Thing | None]"}, "thing": field(pk=True)},
        {"__annotations__": {"thing": int}, "thing": back("x")},
    ],
)
def test_class_bodies_that_cannot_work(body: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        _meta(Model)("Wrong", (Model,), {"__module__": __name__, **body})


def test_a_value_without_annotation_cannot_take_a_fields_place() -> None:
    with pytest.raises(DeclarationError, match="needs an annotation"):
        _meta(Thing)("Wrong", (Thing,), {"__module__": __name__, "stars": 3})
