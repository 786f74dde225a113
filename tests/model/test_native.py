"""The part of writing that is in C does what Python does, side by side."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from itertools import count
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdall.errors import FrozenError, ValidationError
from holdall.model import (
    Frozen,
    InstanceState,
    Length,
    Model,
    Ref,
    State,
    assign,
    check,
    field,
    set_track,
    state_of,
    track_of,
)
from holdall.model.native import is_native
from holdall.model.write import setattr_of, writers
from tests.support.draws import draws
from tests.support.session_without_store import Session, made

native_only = pytest.mark.skipif(not is_native, reason="the part in C was not built here, or HOLDALL_PURE is set")


def declared() -> Any:
    class Sample(Model):
        id: int = field(pk=True)
        text: str = ""
        count: int | None = None
        stars: int = field(default=0, ge=0, lt=100)
        ratio: float = 0.0
        flag: bool = False
        raw: bytes = b""
        day: date | None = None
        span: timedelta | None = None
        mark: UUID | None = None
        at: datetime | None = None
        hour: time | None = None
        price: Decimal | None = None
        short: Annotated[str, Length(1, 3)] = "a"
        code: str = field(default="c", frozen=Frozen.UPDATE)
        loose: int = field(default=0, coerce=True)
        low: str = field(default="", setter=lambda record, value: value.lower())
        kind: Literal["a", "b"] = "a"
        tags: list[str] = field(default_factory=list)
        other: Ref[Sample | None] = field(default=None)

    return Sample


InC, InPython = declared(), declared()
type.__setattr__(InPython, "__setattr__", setattr_of(writers(InPython.__holdall__)))
if is_native:
    type(InPython).__call__ = type(InPython).__dict__["__call__"].__wrapped__
NAMES = [*InC.__holdall__.by_name, "nothing", "primary_keys"]


class Text(str):
    __slots__ = ()


class Number(IntEnum):
    ONE = 1


VALUES: list[Any] = [
    None, True, False, 0, 1, 5, -1, 100, 2**63 - 1, 2**63, -(2**63) + 1, -(2**63), 10**30, Number.ONE,
    0.0, -0.0, 1.0, 1.5, float("nan"), float("inf"), "", "a", "A", "abcd", "a\0", "é", "é\0", "日本", "日\0", "😀",
    "\ud800", "😀\udfff", "tab\t", Text("a"), b"", b"x", bytearray(b"x"), date(2020, 1, 1),
    datetime(2020, 1, 1),  # noqa: DTZ001
    datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=2))), time(1),
    time(1, tzinfo=UTC), timedelta(1), UUID(int=1), UUID(int=2), Decimal(1), Decimal("1.0"), Decimal("nan"),
    Decimal("1e2000"), ["x"], {}, object(),
]  # fmt: skip
MODES = ["unbound", "clean", "new", "deleted", "discarded", "in flight", "landed", "acting", "refusing"]
writes = st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(VALUES))
puts = st.tuples(st.just("put"), st.sampled_from(["text", "count", "ratio", "mark"]), st.sampled_from(VALUES))
modes = st.tuples(st.just("mode"), st.sampled_from(MODES), st.none())


class Player:
    """One record of a model, its session, and what came of everything done to it."""

    def __init__(self, model: Any) -> None:
        self.session, self.record = Session(), model(id=1)
        self.seen: list[Any] = []

    def play(self, verb: str, name: str, value: Any) -> None:
        if verb == "mode":
            self.enter(name)
        elif verb == "put":  # what a store may have given, which nobody checked
            self.record.__holdall__.by_name[name].put(self.record, value)
        else:
            try:
                setattr(self.record, name, value)
            except (ValidationError, FrozenError, AttributeError, RuntimeError) as error:
                self.seen.append((type(error), str(error)))

    def enter(self, mode: str) -> None:
        link = self.session.link
        if mode == "in flight":
            link.edited = {}
        elif mode == "landed":
            link.edited = None
        elif mode == "acting":
            link.trusted = Acting(self.seen)
        elif mode == "refusing":
            link.touch = _refuse
        else:
            tracks: dict[str, Any] = {
                "clean": link, "new": InstanceState(link, State.NEW), "deleted": InstanceState(link, State.DELETED),
                "discarded": InstanceState(None, State.DISCARDED), "unbound": InstanceState(None, State.UNBOUND),
            }  # fmt: skip
            set_track(self.record, tracks[mode])

    def picture(self) -> Any:
        track, get = track_of(self.record), {item.name: item.get for item in self.record.__holdall__.stored}
        values = {name: (type(value), repr(value)) for name, value in ((name, get[name](self.record)) for name in get)}
        old = None if track is None or track.old is None else [(name, repr(value)) for name, value in track.old.items()]
        told = [what for what, _ in self.session.told]
        return values, state_of(self.record), old, told, bool(self.session.link.edited), self.seen


class Acting:
    """A session for which code that speaks for a store is under way."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def is_acting(self) -> bool:
        return True

    def wrote(self, record: Any, field: Any, value: Any) -> None:
        self.seen.append((field.name, repr(value)))


def _refuse(record: Any) -> None:
    raise RuntimeError("refused")


@native_only
@settings(max_examples=draws(150, 400))
@given(st.lists(st.one_of(writes, writes, writes, puts, modes), max_size=12))
@example([("mode", "clean", None), ("write", "text", "a"), ("write", "text", ""), ("write", "text", "b")])
@example([("mode", "clean", None), ("mode", "refusing", None), ("write", "mark", UUID(int=1))])
def test_both_writers_do_the_same(steps: list[tuple[str, str, Any]]) -> None:
    players = [Player(InC), Player(InPython)]
    for step in steps:
        for player in players:
            player.play(*step)
        assert players[0].picture() == players[1].picture()


@native_only
@pytest.mark.parametrize("name", NAMES)
def test_both_writers_do_the_same_with_every_value(name: str) -> None:
    for mode, further in [*((mode, "landed") for mode in MODES[:5]), ("clean", "in flight"), ("clean", "acting")]:
        for value in VALUES:
            players = [Player(InC), Player(InPython)]
            for player in players:
                player.play("mode", mode, None)
                player.play("mode", further, None)
                player.play("write", name, value)
            assert players[0].picture() == players[1].picture(), (mode, further, value)


givens = st.dictionaries(st.sampled_from([*NAMES, "id"]), st.sampled_from(VALUES), max_size=6)


def _constructed(model: Any, values: dict[str, Any]) -> Any:
    try:
        record = model(**values)
    except ValidationError as error:
        return sorted((item.path, item.code, item.message) for item in error.errors)
    return [(item.name, type(value), repr(value)) for item in model.__holdall__.stored for value in [item.get(record)]]


@native_only
@settings(max_examples=draws(150, 400))
@given(givens, st.booleans())
def test_both_constructors_do_the_same(values: dict[str, Any], has_key: bool) -> None:
    values = {"id": 1} | values if has_key else values
    assert _constructed(InC, values) == _constructed(InPython, values)


@native_only
@pytest.mark.parametrize("name", NAMES)
def test_both_constructors_do_the_same_with_every_value(name: str) -> None:
    for value in VALUES:
        given = {"id": 1} | {name: value}
        assert _constructed(InC, given) == _constructed(InPython, given), value


@native_only
def test_other_ways_to_the_constructor() -> None:
    assert inspect.signature(InC).parameters.keys() == inspect.signature(InPython).parameters.keys()
    assert InC(id=1).id == 1
    wrong_calls: list[Callable[[], Any]] = [lambda: InC(1), lambda: InC(1, id=2), lambda: InC()]
    for wrong in wrong_calls:
        with pytest.raises(ValidationError):
            wrong()
    with pytest.raises(TypeError):
        type(InC).__dict__["__call__"]()

    class Longer(InC):  # type: ignore[valid-type, misc]
        more: str = "m"

    assert (Longer(id=1).more, Longer(id=1, text="a").text) == ("m", "a")
    meta: Any = type(Model)
    many = meta(
        "Wide",
        (Model,),
        {"__module__": __name__, "__annotations__": {f"f{number}": int for number in range(40)}, "f0": field(pk=True)},
    )
    assert many(**{f"f{number}": number for number in range(40)}).f39 == 39


@native_only
def test_factories_checks_and_errors_in_a_construction() -> None:
    made_by_factory = count()

    class Careful(Model):
        id: int = field(pk=True)
        number: int = field(default_factory=lambda: next(made_by_factory))
        hidden: int = field(default=7, init=False)
        low: str = field(default="", setter=lambda record, value: value.lower())

        @check
        def _is_odd(self) -> str | None:
            return None if self.id % 2 else "must be odd"

    assert [(one.number, one.hidden, one.low) for one in (Careful(id=1, low="A"), Careful(id=3))] == [
        (0, 7, "a"),
        (1, 7, ""),
    ]
    with pytest.raises(ValidationError, match="must be odd"):
        Careful(id=2)
    with pytest.raises(ValidationError, match="hidden"):
        Careful(id=1, hidden=3)  # type: ignore[call-arg]

    class Failing(Model):
        id: int = field(pk=True)
        number: int = field(default_factory=lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        Failing(id=1)
    assert Failing(id=1, number=2).number == 2


@native_only
def test_other_ways_to_the_writer() -> None:
    record = InC(id=1)
    record.__setattr__("count", 2)
    InC.__setattr__(record, "text", "a")
    assert (record.count, record.text) == (2, "a")
    calls: list[Callable[[], Any]] = [
        lambda: InC.__setattr__(record, "text"),
        lambda: InC.__setattr__(record, ["text"], 1),
    ]
    for wrong in calls:
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises((TypeError, AttributeError)):
        InC.__setattr__(object(), "text", "a")
    with pytest.raises((TypeError, AttributeError)):
        InC.__setattr__(InPython(id=1), "text", "a")

    class Shouting(InC):  # type: ignore[valid-type, misc]
        loud: str = ""

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value.upper() if name == "text" else value)

    shouting = Shouting(id=1)
    shouting.text = "a"
    assert shouting.text == "A"
    with pytest.raises(AttributeError):
        shouting.nothing = 1
    assign(record, {"count": 3, "text": "b"})
    assert (record.count, record.text) == (3, "b")


@native_only
def test_a_rule_that_raises_is_heard() -> None:
    class Odd(Model):
        id: int = field(pk=True)
        size: Annotated[int, Angry()] = 0

    odd = made(Odd, id=1, size=2)
    with pytest.raises(ZeroDivisionError):
        odd.size = 1


class Angry:
    code = "angry"

    def holds(self, value: Any) -> bool:
        return bool(1 / (value - 1))

    def describe(self) -> str:
        return "must not be"

    def json_schema(self) -> dict[str, Any]:
        return {}


def _grown(work: Callable[[], None]) -> int:
    """Blocks of memory that a hundred more rounds of the work leave behind."""
    for _ in range(20):
        work()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(100):
        work()
    gc.collect()
    return sys.getallocatedblocks() - before


@native_only
def test_writing_leaks_nothing() -> None:
    numbers = count(10**10)

    def work() -> None:
        player = Player(InC)
        for mode in MODES:
            player.enter(mode)
            for name, value in (("text", ""), ("stars", 7), ("stars", -7), ("nothing", 1)):
                player.play("write", name, value)
            for _ in range(2):
                player.play("write", "text", str(next(numbers)))
                player.play("write", "count", next(numbers))
        InC(id=next(numbers), text=str(next(numbers)), stars=7)
        for wrong in ({"id": "1"}, {"stars": 7}, {"id": 1, "nothing": 2}, {"id": 1, "other": "x", "tags": 3}):
            _constructed(InC, wrong)

    assert _grown(work) < 50


@native_only
def test_models_and_circles_of_records_are_freed() -> None:
    def work() -> None:
        player = Player(declared())
        player.enter("clean")
        player.record.other = player.record
        player.enter("clean")
        player.record.text = "a"
        player.record.other = None  # the old value, kept by what the C part made, leads back to the record
        track = track_of(player.record)
        assert track is not None
        assert [*(track.old or ())] == ["text", "other"]

    work()
    gc.collect()
    before = _living()
    for _ in range(5):
        work()
    gc.collect()
    assert _living() <= before


def _living() -> int:
    return sum(type(item).__name__ in ("Sample", "SampleMeta", "Setattr") for item in gc.get_objects())
