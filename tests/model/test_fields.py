from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest

from holdall.errors import DeclarationError, FieldError, FrozenError, ValidationError
from holdall.model import (
    Digits,
    Frozen,
    Ge,
    InstanceState,
    Length,
    Model,
    State,
    check,
    computed,
    field,
    set_track,
    state_of,
)
from tests.support.session_without_store import Session, Trusting, made


class Person(Model):
    id: int = field(pk=True)
    name: Annotated[str, Length(1, 20)]
    age: int = field(default=0, ge=0, lt=150)
    nick: str | None = None
    tags: list[str] = field(default_factory=list)
    token: str = field(default="t", init=False, repr=False)


def errors_of(call: Any, *args: Any, **values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        call(*args, **values)
    return {error.path: error.code for error in caught.value.errors}


def test_values_defaults_and_repr() -> None:
    person = Person(id=1, name="Ann")
    assert (person.id, person.name, person.age, person.nick, person.tags, person.token) == (1, "Ann", 0, None, [], "t")
    assert repr(person) == "Person(id=1, name='Ann', age=0, nick=None, tags=[])"
    assert Person(id=2, name="Bo").tags is not person.tags


def test_all_errors_at_once() -> None:
    assert errors_of(Person, id="1", age=-1, nick=3, tags=["a", 2, None], token="x", extra=1) == {
        "id": "type",
        "name": "required",
        "age": "ge",
        "nick": "type",
        "tags.1": "type",
        "tags.2": "type",
        "token": "init",
        "extra": "unknown",
    }
    assert errors_of(Person, 1, name="Ann", id=1) == {"": "positional"}


def test_a_message_names_the_rule_and_not_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Person(id=1, name="secret" * 10)
    assert caught.value.errors == (FieldError("name", "length", "must have a length between 1 and 20"),)
    assert "secret" not in str(caught.value)


def test_none_needs_leave() -> None:
    assert errors_of(Person, id=1, name=None, age=None) == {"name": "required", "age": "required"}


def test_a_refused_write_changes_nothing() -> None:
    person = Person(id=1, name="Ann", age=3)
    assert errors_of(setattr, person, "age", 150) == {"age": "lt"}
    assert errors_of(setattr, person, "name", 7) == {"name": "type"}
    assert (person.name, person.age) == ("Ann", 3)
    with pytest.raises(AttributeError, match="no field 'agee'"):
        person.agee = 1  # type: ignore[attr-defined]


def test_deleting_a_value_gives_its_default_back() -> None:
    person = Person(id=1, name="Ann", age=3)
    del person.age
    assert person.age == 0
    with pytest.raises(ValueError, match="no default"):
        del person.name


def test_types_are_strict_unless_coerced() -> None:
    class Loose(Model):
        id: int = field(pk=True, coerce=True)
        price: Decimal = field(default=Decimal(0), coerce=True, ge=0)
        uid: UUID | None = field(default=None, coerce=True)

    loose = made(Loose, id="7", price="1.50", uid="12345678-1234-5678-1234-567812345678")
    assert (loose.id, loose.price) == (7, Decimal("1.50"))
    assert isinstance(loose.uid, UUID)
    assert errors_of(Loose, id="x", price="-1") == {"id": "type", "price": "ge"}
    loose.id = "8"
    assert loose.id == 8


def test_setter_runs_on_every_way_in_and_its_result_is_checked() -> None:
    class Doc(Model):
        id: int = field(pk=True)
        title: str = field(default=" none ", length=(1, 5))
        score: Any = field(default=0, type_check=False, setter=lambda record, value: int(value))

        @title.setter  # type: ignore[attr-defined,untyped-decorator]
        def _strip(self, value: str) -> str:
            if value == "bad":
                raise ValueError("must not be bad")
            return value.strip()

    assert (Doc(id=1).title, Doc(id=1, title="   abc   ", score="3").score) == ("none", 3)
    doc = Doc(id=1, title="   abcde   ")
    assert doc.title == "abcde"
    doc.title, doc.score = " x ", "4"
    assert (doc.title, doc.score) == ("x", 4)
    assert errors_of(setattr, doc, "title", "   ") == {"title": "length"}
    assert errors_of(setattr, doc, "title", "bad") == {"title": "setter"}
    assert errors_of(Doc, id=1, title=5) == {"title": "type"}
    assert doc.title == "x"


def test_type_check_can_be_left_out() -> None:
    class Free(Model):
        id: int = field(pk=True)
        thing: int = field(default=0, type_check=False)

    assert made(Free, id=1, thing="text").thing == "text"


@pytest.mark.parametrize(
    "frozen,state,is_refused",
    [
        (frozen, state, bool(frozen & flag))
        for frozen in Frozen
        for state, flag in {
            State.NEW: Frozen.CREATE,
            State.CLEAN: Frozen.UPDATE,
            State.DIRTY: Frozen.UPDATE,
            State.DELETED: Frozen.UPDATE,
            State.DISCARDED: Frozen.NEVER,
        }.items()
    ],
)
def test_frozen_fields(frozen: Frozen, state: State, is_refused: bool) -> None:
    class Doc(Model):
        id: int = field(pk=True)
        code: str = field(default="a", frozen=frozen)

    session = Session()
    doc = Doc(id=1)
    doc.code = "b"
    if state is State.CLEAN:
        session.keep(doc)
    else:
        set_track(doc, InstanceState(None if state is State.DISCARDED else session.link, state))
    if is_refused:
        with pytest.raises(FrozenError):
            doc.code = 1  # type: ignore[assignment]  # frozen comes before its type
        session.link.trusted = Trusting()
    doc.code = "c"
    assert doc.code == "c"


def test_what_speaks_for_a_store_changes_nothing() -> None:
    class Doc(Model):
        id: int = field(pk=True)
        code: str = field(default="a", frozen=Frozen.ALWAYS)
        pages: int = 1

    session = Session()
    doc = Doc(id=1)
    session.keep(doc)
    doc.pages = 2
    trusting = session.link.trusted = Trusting()
    doc.code, doc.pages = "b", 3
    assert (doc.code, doc.pages) == ("b", 3)
    assert trusting.written == [("code", "b"), ("pages", 3)]
    assert not doc.is_field_modified("code")
    session.link.trusted = None
    doc.pages = 1
    assert state_of(doc) is State.CLEAN


def test_generated_and_version_may_be_unset() -> None:
    class Doc(Model):
        id: UUID = field(pk=True, generated=True)
        version: int = field(version=True)

    doc = Doc()
    assert doc.id is None
    assert doc.version is None
    doc.id = uuid4()
    assert Doc.__holdall__.version is Doc.__holdall__.by_name["version"]


def test_keys() -> None:
    class Seat(Model):
        row: str = field(pk=True)
        number: int = field(pk=True)

    declaration = Seat.__holdall__
    seat = Seat(row="A", number=3)
    assert seat.__key__() == ("A", 3) == declaration.key_of(seat)
    assert seat.primary_keys == {"row": "A", "number": 3}
    assert declaration.key_from((("A", 3),), {}) == declaration.key_from((), {"number": 3, "row": "A"}) == ("A", 3)
    assert declaration.key_from(("A", 3), {}) == ("A", 3)
    assert errors_of(declaration.key_from, ("A",), {}) == {"key": "type"}
    assert errors_of(declaration.key_from, (), {"row": 1, "seat": 2}) == {"seat": "unknown", "number": "required"}
    assert errors_of(declaration.key_from, (("A", "3"),), {}) == {"number": "type"}
    assert Person.__holdall__.key_from((1,), {}) == Person.__holdall__.key_from((), {"id": 1}) == 1
    assert errors_of(Person.__holdall__.key_from, (None,), {}) == {"id": "required"}


def test_checks_over_several_fields() -> None:
    class Span(Model):
        id: int = field(pk=True)
        low: int
        high: int

        @check
        def _is_ordered(self) -> str | None:
            return None if self.low <= self.high else "must be ordered"

        @check("low", "high")
        def _is_short(self) -> None:
            if self.high - self.low > 10:
                raise ValueError("must be short")

    assert errors_of(Span, id=1, low=2, high=1) == {"": "is_ordered"}
    assert errors_of(Span, id=1, low=0, high=11) == {"low": "is_short", "high": "is_short"}
    assert errors_of(Span, id=1, low="x", high=11) == {"low": "type"}
    span = Span(id=1, low=1, high=2)
    span.low = 3
    assert [error.code for error in span.__holdall__.validate(span, "spans.0.")] == ["is_ordered"]
    assert span.__holdall__.validate(span, "spans.0.")[0].path == "spans.0"


def test_computed_values_are_read_only() -> None:
    class Doc(Model):
        id: int = field(pk=True)

        @computed
        def label(self) -> str:
            return f"#{self.id}"

    doc = Doc(id=3)
    assert doc.label == "#3"
    with pytest.raises(AttributeError):
        doc.label = "x"  # type: ignore[misc]
    assert "label" not in Doc.__holdall__.by_name


def test_property_over_a_private_field() -> None:
    class Doc(Model):
        id: int = field(pk=True)
        _age: int = 0

        @property
        def age(self) -> int:
            return self._age

        @age.setter
        def age(self, value: int) -> None:
            self._age = abs(value)

    doc = Doc(id=1, _age=2)
    doc.age = -3
    assert doc.age == 3


def test_names_that_the_generated_code_uses_are_free_for_fields() -> None:
    class Odd(Model):
        len: int = field(pk=True)
        x: Annotated[str, Length(1, 2)]
        T: str
        MISSING: list[int] = field(default_factory=list)
        _cls: int = 0
        _args: int = 0
        value: str = field(default="a", length=(1, 3))
        record: str = field(default="a", length=(1, 3))
        self_: int = 0

    odd = Odd(len=1, x="a", T="t", _args=3)
    assert (odd.len, odd.x, odd.T, odd.MISSING, odd._args) == (1, "a", "t", [], 3)
    odd.value = odd.record = "b"
    assert errors_of(Odd, len=1, x="", T=1) == {"x": "length", "T": "type"}


def _declare(annotation: Any, option: Any) -> None:
    meta: Any = type(Model)
    meta("Wrong", (Model,), {"__annotations__": {"id": annotation}, "id": option, "__module__": __name__})


@pytest.mark.parametrize(
    "annotation,options",
    [
        (int, {"default": "x"}),
        (int, {"default": None}),
        (int, {"default": -1, "ge": 0}),
        (list[int], {"default": [1]}),
        (int | None, {"pk": True}),
        (bool, {"generated": True}),
        (str, {"version": True}),
        (str, {"ge": 1}),
        (int, {"ge": "a"}),
        (bool, {"ge": 0}),
        (int, {"length": (1, 2)}),
        (int, {"pattern": "a"}),
        (str, {"digits": 3}),
    ],
)
def test_options_that_cannot_work_are_refused(annotation: Any, options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        _declare(annotation, field(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"default": 1, "default_factory": int},
        {"pattern": "("},
        {"one_of": []},
        {"digits": 0},
        {"digits": 2, "places": 3},
        {"places": -1},
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        field(**options)


def test_rules_in_annotated_add_to_those_of_field() -> None:
    class Doc(Model):
        id: Annotated[int, Ge(1), "not a rule"] = field(pk=True, le=9)
        price: Annotated[Decimal, Digits(4, 2)] = Decimal(0)

    assert errors_of(Doc, id=0) == errors_of(Doc, id=-1) == {"id": "ge"}
    assert errors_of(Doc, id=10, price=Decimal("100")) == {"id": "le", "price": "digits"}


def _asked(self: object, value: object) -> object:
    return value


async def _later() -> int:
    return 1


@pytest.mark.parametrize(
    "declared,told",
    [
        ({"setter": lambda value: value}, "a setter is a function of (self, value)"),
        ({"setter": lambda self, value, more: value}, "a setter is a function of (self, value)"),
        ({"setter": "strip"}, "a setter is a function of (self, value)"),
        ({"default_factory": lambda record: 1}, "a default_factory is a function of ()"),
        ({"default_factory": 7}, "a default_factory is a function of ()"),
        ({"default_factory": _later}, "a default_factory is a function of (), and not async"),
    ],
)
def test_functions_of_fields_are_looked_at_when_declared(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        type(
            "Odd",
            (Model,),
            {"__annotations__": {"id": int, "size": int}, "id": field(pk=True), "size": field(**declared)},
        )
    assert str(caught.value) == f"Odd.size: {told}"


@pytest.mark.parametrize(
    "more", [{"setter": _asked}, {"default_factory": int}, {"default_factory": lambda size=3: size}]
)
def test_functions_of_fields_that_can_be_called_are_taken(more: dict[str, Any]) -> None:
    type("Fine", (Model,), {"__annotations__": {"id": int, "size": int}, "id": field(pk=True), "size": field(**more)})


def test_checks_and_computed_values_are_looked_at_when_declared() -> None:
    alone: Any = lambda: None  # noqa: E731

    async def order(self: object) -> str | None:
        return None

    for item, told in [
        (check(alone), "a check is a function of (self)"),
        (check(order), "a check is a function of (self), and not async"),
        (check("id")(alone), "a check is a function of (self)"),
        (computed(alone), "a computed value is a function of (self)"),
    ]:
        with pytest.raises(DeclarationError) as caught:
            type("Odd", (Model,), {"__annotations__": {"id": int}, "id": field(pk=True), "order": item})
        assert str(caught.value) == f"Odd.order: {told}"


def test_a_check_names_fields_that_are_there() -> None:
    def order(self: object) -> str | None:
        return None

    for names, told in [(("ids",), "'ids', which is no field; did you mean id?"), (("x.y",), "'x', which is no field")]:
        with pytest.raises(DeclarationError) as caught:
            type("Odd", (Model,), {"__annotations__": {"id": int}, "id": field(pk=True), "order": check(*names)(order)})
        assert f"Odd.order: a check of {told}" in str(caught.value)

    class Mixin(Model, abstract=True):
        @check("title", "id")
        def known(self) -> str | None:
            return None

    class Book(Mixin):
        id: int = field(pk=True)
        title: str = ""

    assert Book(id=1).title == ""


def test_a_check_gives_a_sentence_or_none() -> None:
    def fine(self: object) -> bool:
        return True

    members = {"__annotations__": {"id": int}, "id": field(pk=True)}
    with pytest.raises(DeclarationError, match=r"Odd.order: a check gives None .*, not a bool"):
        type("Odd", (Model,), members | {"order": check(fine)})
    for given in (True, False):
        odd: Any = type("Odd", (Model,), members | {"order": check(lambda self, given=given: given)})
        with pytest.raises(DeclarationError, match=rf"Odd.order gave {given}: a check gives None where its rule holds"):
            odd(id=1)
