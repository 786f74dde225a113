"""Actions as they are declared: what is no action, or cannot work, is refused before anything runs."""

from __future__ import annotations

import types
from typing import Any, Generic, TypeVar

import pytest

from holdall import Action, ActionPolicy, All, Each, Holdall, Model, Nobody, Nothing, One, Policy, Role, field, param
from holdall.actions import Content
from holdall.actions.house import Duplicate
from holdall.errors import DeclarationError, StateError, ValidationError


class Page(Model, collection="pages"):
    id: int = field(pk=True)
    text: str = ""


class Other(Model):
    id: int = field(pk=True)


class Turn(Action[Page], on=One):
    by: int = field(default=1, ge=1)
    tags: list[str] = field(default_factory=list)

    async def run(self, context: Any, page: Page) -> None: ...


@pytest.fixture
def app() -> Holdall:
    made = Holdall("book")
    made.add_store("main", "memory:")
    made.add(Page, store="main")
    return made


def test_inputs_are_validated_all_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Turn(by=0, tags=[1], more=2)  # type: ignore[call-arg, list-item]
    assert [(error.path, error.code) for error in caught.value.errors] == [
        ("more", "unknown"),
        ("by", "ge"),
        ("tags.0", "type"),
    ]
    assert (Turn().by, Turn().tags, Turn(by=3)) == (1, [], Turn(by=3))
    assert Turn(by=3) != Turn(by=4)
    assert repr(Turn(by=3)) == "Turn(by=3, tags=[])"


def test_inputs_never_change() -> None:
    turn = Turn()
    with pytest.raises(StateError, match="never change"):
        turn.by = 7  # type: ignore[misc]
    with pytest.raises(StateError, match="never change"):
        del turn.by
    with pytest.raises(AttributeError, match="no input 'more'"):
        _ = turn.more


def test_an_action_inherits_inputs_and_how_it_is_done() -> None:
    class TurnBack(Turn):
        why: str

        async def run(self, context: Any, page: Page) -> None: ...

    assert (TurnBack(why="x").by, TurnBack.__on__, TurnBack.__action_name__) == (1, One, "turn-back")
    with pytest.raises(ValidationError, match="why: is required"):
        TurnBack()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "options, told",
    [
        ({"on": "one"}, "on= is Nothing, One, Each or All"),
        ({"on": One, "repeat": 1}, "repeat= is True or False"),
        ({"on": One, "title": "x"}, "no option 'title'"),
        ({"on": One, "name": "No/Name"}, "small letters"),
        ({"on": Nothing}, r"is a method of \(self, context\)"),
    ],
)
def test_a_class_that_cannot_be_an_action_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises((DeclarationError, TypeError), match=told):
        types.new_class("Made", (Action[Page],), options, lambda body: body.update(run=_run, __module__=__name__))


async def _run(self: Any, context: Any, page: Any) -> None: ...


class WithoutRun(Action[Page], on=One):
    pass


class WithoutOn(Action[Page]):
    async def run(self, context: Any, page: Page) -> None: ...


class About(Action[Other], on=One):
    async def run(self, context: Any, page: Other) -> None: ...


class Generator(Action[Page], on=One):
    async def run(self, context: Any, page: Page) -> Any:
        yield 1


class Within(Action[Page], on=One):
    async def run(self, context: Any, page: Page) -> dict[str, Page]:
        return {}


class Strange(Action[Page], on=One):
    async def run(self, context: Any, page: Page) -> Holdall:
        return Holdall("x")


class Files(Action[Page], on=Each):
    async def run(self, context: Any, page: Page) -> Content:
        return Content(b"")


class Alone(Action[Page], on=Nothing):
    async def run(self, context: Any) -> None: ...


@pytest.mark.parametrize(
    "given, policy, told",
    [
        (WithoutRun, None, "no method run"),
        (WithoutOn, None, "say on what it is done"),
        (About, None, "add that first"),
        (Generator, None, "has no yield"),
        (Within, None, "Book, Book | None or list"),
        (Strange, None, "cannot be told in JSON, .* made of plain values"),
        (Files, None, "gives a file"),
        (Alone, ActionPolicy(execute=Page.text == "x"), "cannot speak of records"),
        (Turn, ActionPolicy(execute=Other.id == 1), "cannot be"),
        (Turn, Role("x"), "is an ActionPolicy"),
        (Duplicate, None, "say what it is about"),
        (Action, None, "derives from Action"),
        (Page, None, "derives from Action"),
        (Turn(), None, "derives from Action"),
    ],
)
def test_what_cannot_be_added_is_refused(app: Holdall, given: Any, policy: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        app.add_action(given, policy)


T = TypeVar("T")


class Labelled(Generic[T]):
    """What an action may have beside its model."""


class Mixed(Labelled[int], Action[Page], on=One):
    async def run(self, context: Any, page: Page) -> None: ...


def test_what_it_is_about_is_said_by_the_class_of_actions_alone(app: Holdall) -> None:
    app.add_action(Mixed)
    assert [(each.collection, each.name) for each in app.actions("pages")] == [("pages", "mixed")]


def test_a_name_is_taken_once(app: Holdall) -> None:
    app.add_action(Turn)
    with pytest.raises(DeclarationError, match="has an action 'turn' already"):
        app.add_action(Turn)
    assert [each.name for each in app.actions("pages")] == ["turn"]


def test_a_policy_of_the_collection_has_rules_for_what_there_is() -> None:
    app = Holdall("book")
    app.add_store("main", "memory:")
    app.add(Page, store="main", policy=Policy(actions={"turn": Role("reader")}))
    with pytest.raises(DeclarationError, match="has a rule for the action 'turn', and there is none"):
        app.bindings.configure()
    with pytest.raises(DeclarationError, match="say it at one place"):
        app.add_action(Turn, ActionPolicy(execute=Nobody))
    app.add_action(Turn)
    app.bindings.configure()
    (found,) = app.actions("pages")
    assert found.policy.execute == Role("reader")


@pytest.mark.parametrize(
    "options", [{"see": "x"}, {"execute": 1}, {"reason": 1}, {"as_user": 1}], ids=lambda options: next(iter(options))
)
def test_what_is_no_policy_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        ActionPolicy(**options)


@pytest.mark.parametrize(
    "name, query, options, told",
    [
        ("No", Page.where(), {}, "small letters"),
        ("x", "pages", {}, "is a query"),
        ("x", Other.where(), {}, "its model comes first"),
        ("x", Page.where().limit(3), {}, "no limit"),
        ("x", Page.where().group_by(Page.text), {}, "not of groups"),
        ("x", Page.where().only(Page.text), {"columns": ["a", "b"]}, "names each column"),
        ("x", Page.where().only(Page.text, Page.id), {"columns": ["a", "a"]}, "the same name"),
        ("x", Page.where(), {"policy": lambda user, page: True}, "a function of records"),
        ("x", Page.where(Page.id == param("id", int, "x")), {}, "default must be"),
        ("x", Page.where(Page.id == param("id", str, "x")), {}, "does not fit"),
        ("x", Page.where(Page.id == param("a", int, 1), Page.id > param("a", int, 2)), {}, "in two ways"),
    ],
)
def test_what_is_no_selection_is_refused(
    app: Holdall, name: str, query: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeclarationError, match=told):
        app.add_selection(name, query, **options)


def test_a_selection_without_a_title_is_called_by_its_name(app: Holdall) -> None:
    assert app.add_selection("long-pages", Page.where()).title == "Long pages"
    assert app.add_selection("all-pages", Page.where(), title="Everything").title == "Everything"


def test_the_name_of_a_selection_is_taken_once(app: Holdall) -> None:
    app.add_selection("all", Page.where())
    with pytest.raises(DeclarationError, match="has a selection 'all' already"):
        app.add_selection("all", Page.where())


@pytest.mark.parametrize("given", [("1x", int), ("_x", int), ("x", int, None)])
def test_a_parameter_that_cannot_be_is_refused(given: tuple[Any, ...]) -> None:
    with pytest.raises(DeclarationError):
        param(*given)


def test_a_file_has_a_plain_name_and_type() -> None:
    for options in ({"name": "a/b"}, {"name": 'a"b'}, {"media_type": "text/plain\r\nx: y"}, {"name": ""}):
        with pytest.raises(StateError):
            Content(b"", **options)


def test_all_is_a_list_of_what_it_is_done_on() -> None:
    assert [each.value for each in (Nothing, One, Each, All)] == ["nothing", "one", "each", "all"]
