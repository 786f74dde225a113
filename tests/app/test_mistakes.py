"""A mistake in a declaration or an argument is told at once, in words that say what to write instead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, Ref, Role, User, field
from holdall.errors import DeclarationError, HoldallError, NotFound, QueryError, StateError, ValidationError

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True)
    text: str = field(default="")


class Keyless(Model):
    text: str


class Lent(Model, abstract=True):
    text: str


NOTE: Any = Note


def app() -> Any:
    made = Holdall("mistakes")
    made.add_store("m", "memory:")
    return made


def model(source: str) -> Callable[[], Any]:
    lines = "\n".join(f"    {line}" for line in source.splitlines()[1:])
    code = f"{source.splitlines()[0]}\n    id: int = field(pk=True)\n{lines}\n"
    names = "from __future__ import annotations\nfrom holdall import *\nfrom typing import *\n"
    return lambda: exec(names + code, {"__name__": "mistaken"})


DECLARED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: app().add(Note, store="m", policy="read"),
        r"such as Policy\(read=Everyone\), not str",
    ),
    (lambda: app().add(Note, store="x"), "there is no store 'x'; add it"),
    (lambda: app().add(dict, store="m"), "classes derived from Model, not the class dict"),
    (lambda: app().add(Note(id=1), store="m"), "classes derived from Model, not a Note"),
    (lambda: app().add(Model, store="m"), "no fields to keep"),
    (lambda: app().add(Lent, store="m"), "Lent is abstract: add models that derive from it"),
    (lambda: app().add(Keyless, store="m"), r"Keyless has no key: say field\(pk=True\)"),
    (lambda: app().add(Note, store="m", collection=""), "the name of a collection is a word"),
    (lambda: app().add_store("", "memory:"), "the name of a store is a word, not an empty one"),
    (lambda: app().add_store(3, "memory:"), "the name of a store is a word, not a int"),
    (lambda: app().add_store("n", None), "store 'n' is given by a URL or as a store, not by NoneType"),
    (lambda: app().add_store("n", Note), "not by the class Note"),
    (lambda: app().add_store("n", " "), "store 'n': its URL is empty"),
    (lambda: app().add_store("m", "memory:"), "there is already a store 'm'"),
    (lambda: app().add_store("n", "sqlite://", connections=5), "store 'n' takes no option 'connections'; there are"),
    (lambda: app().add_store("n", "sqlite://", timeot=5), "takes no option 'timeot'; did you mean timeout"),
    (
        lambda: app().add_store("n", "postgresql://h/d", pool_size=5),
        "option 'pool_size'; there are .*connections",
    ),
    (lambda: app().add_store("n", "mongodb://h/d", connection=5), "did you mean connections"),
    (lambda: app().add_store("n", "yaml:notes", layot="x"), "did you mean layout"),
    (lambda: app().add_store("n", "redis://h", prefx="x"), "store 'n' takes no option 'prefx'; did you mean prefix"),
    (lambda: app().add_store("n", "redis://h", timeot=5), "did you mean timeout"),
    (lambda: app().add_store("n", "http://h", retres=1), "store 'n' takes no option 'retres'; did you mean retries"),
    (lambda: app().add_store("n", "dao:", colections={}), "store 'n' takes no option 'colections'; did you mean coll"),
    (lambda: app().add_store("n", "memory:", size=5), "store 'n' takes no option 'size'"),
    (lambda: app().add_store("n", "sqlit:///x"), r"no store speaks 'sqlit'; did you mean sqlite\?"),
    (lambda: app().asgi(challange="x"), r"asgi\(\) takes no option 'challange'; did you mean challenge"),
    (lambda: app().asgi(secret="x"), r"asgi\(\): secret is of bytes, not of str"),
    (lambda: app().asgi(max_page=0), r"asgi\(\): max_page is a number above zero"),
    (lambda: app().asgi(body_seconds="1"), r"asgi\(\): body_seconds is of float, not of str"),
    (lambda: Holdall(""), "the name of an application is a word"),
    (lambda: Holdall("x", lease=0), "the lease is a number of seconds above zero"),
    (lambda: Policy(read="admin"), r"not by text: Role\(.admin.\)"),  # type: ignore[arg-type]
    (lambda: Policy(write=["admin"]), "not by list"),  # type: ignore[arg-type]
    (lambda: Policy(read=None), "not by NoneType"),  # type: ignore[arg-type]
    (lambda: Policy(write=None), "not by NoneType"),  # type: ignore[arg-type]
    (lambda: User("ann", roles="admin"), "roles are a set of names"),  # type: ignore[arg-type]
    (model("class M(Model):\nv: int = field(primary_key=True)"), "takes no 'primary_key'; write pk"),
    (model("class M(Model):\nv: int = field(defualt=1)"), "did you mean default"),
    (model("class M(Model):\nv: int = field(nullable=True)"), r"annotated with \| None"),
    (model("class M(Model):\nv: str = field(max_length=5)"), r"write length=\(0, most\)"),
    (model("class M(Model, tablename='x'):"), "write table=, or collection= for its name in queries and URLs, too"),
    (model("class M(Model, db_table='x'):"), "write table=, or collection= for its name in queries"),
    (model("class M(Model, abstrat=True):"), "did you mean abstract"),
    (model("class M(Model, unique='ab'):\na: int\nb: int"), r"unique=\[\('title', 'author'\)\]"),
    (model("class M(Model):\nv: dict"), r"for instance dict\[str, JSON\]"),
    (model("class M(Model):\nv: dict[str]"), r"for instance dict\[str, JSON\]"),
    (model("class M(Model):\nv: list"), r"for instance list\[str\]"),
    (model("class M(Model):\nv: int = field(depends_on=True)"), "depends_on belongs to a reference"),
]


@pytest.mark.parametrize("mistake, told", DECLARED)
def test_a_mistake_in_a_declaration(mistake: Callable[[], Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        mistake()


def test_nothing_is_kept_of_what_was_refused() -> None:
    made = app()
    with pytest.raises(DeclarationError):
        made.add(Note, Keyless, store="m")
    made.add(Note, store="m", policy=Policy(read=Everyone, write=Role("editor")))
    assert [binding.collection for binding in made.collections()] == ["note"]


ASKED: list[tuple[Callable[[Any], Awaitable[Any]], str]] = [
    (lambda s: s.get("note", 1), "a model is asked for, which is a class, not str"),
    (lambda s: s.get(Keyless, 1), r"call app.add\(Keyless"),
    (lambda s: s.get(Note), "id: is part of the key and required"),
    (lambda s: s.get(Note, text="x"), r"text: is not part of the key; other fields are asked for with Note.where"),
    (lambda s: Note.objects.filter(text__gt="x"), r"a condition is written Note.where\(Note.text > ...\)"),
    (lambda s: s.get(Note, "x"), "id: must be a whole number"),
    (lambda s: s.commit(require="never"), "there is no guarantee 'never'; choose one of"),
    (lambda s: s.commit(timeout="x"), "a number of seconds above zero"),
    (lambda s: s.commit(timeout=0), "a number of seconds above zero"),
    (lambda s: s.load([], "text"), "write it as Book.text, without quotes"),
    (lambda s: Note(id=9).delete(), r"this Note is unbound: no stored record is behind it; save\(\) it first"),
    (lambda s: s.query(NOTE.where(text="x")), r"Note.text == ..., or Note.objects.filter\(text=...\)"),
]


@pytest.mark.parametrize("mistake, told", ASKED)
async def test_a_mistake_in_what_a_session_is_asked(mistake: Callable[[Any], Awaitable[Any]], told: str) -> None:
    made = app()
    made.add(Note, store="m")
    async with made.session() as s:
        with pytest.raises((StateError, ValidationError, QueryError), match=told):
            await mistake(s)


async def test_a_session_is_for_a_user_and_in_an_async_block() -> None:
    made = app()
    made.add(Note, store="m")
    for wrong in ("ann", None, 1):
        with pytest.raises(StateError, match=r"such as User\('ann'\), not"):
            async with made.session(wrong):
                pass
    with pytest.raises(StateError, match=r"app.sync.session\(\)"), made.session():
        pass
    async with made.session(User("ann")) as s:
        with pytest.raises(NotFound):
            await s.require(Note, 1)


@pytest.mark.parametrize("act", [lambda s: s.add(Note(id=1)), lambda s: s.get(Note, 1), lambda s: s.commit()])
def test_a_session_is_entered_before_it_is_used(act: Callable[[Any], Any]) -> None:
    made = app()
    made.add(Note, store="m")
    with pytest.raises(StateError, match=r"not entered: write async with app\.session\(\) as session"):
        act(made.session())


def test_a_session_block_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ad'; did you mean add"):
        app().session().ad  # noqa: B018


def test_a_record_is_no_collection() -> None:
    wrong: Any = Note(id=1, text="x")
    for act in (dict, list, set, lambda record: "x" in record):
        with pytest.raises(TypeError, match=r"record\.fields has its values|argument of type"):
            act(wrong)
    assert dict(wrong.fields) == {"id": 1, "text": "x"}


def test_every_mistake_is_one_of_ours() -> None:
    assert issubclass(DeclarationError, HoldallError)


@pytest.mark.parametrize("act", [len, bool, list, lambda taken: taken[0], lambda taken: 1 in taken])
def test_records_that_are_not_awaited_are_no_list(act: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"write records = await Note.objects.all\(\)"):
        act(Note.objects)
    with pytest.raises(TypeError, match=r"write records = await Note.objects.filter\(...\)"):
        act(Note.objects.filter(text="x").limit(1))


@pytest.mark.anyio
async def test_a_record_that_is_being_saved_is_not_saved_again_meanwhile() -> None:
    made = app()
    made.add(Note, store="m")
    note = await Note.objects.create(id=1)
    note.text = "x"
    done = await asyncio.gather(note.save(), note.save(), return_exceptions=True)
    (error,) = [one for one in done if isinstance(one, BaseException)]
    assert "is being saved, await that first" in str(error)
    await made.close()


class Leaf(Model):
    id: int = field(pk=True)
    note: Ref[Note | None] = field(default=None)


async def _removed_of_another(made: Any) -> None:
    async with made.session() as other:
        note = await other.require(Note, 1)
    async with made.session() as s:
        s.remove(note)


async def _removed_by_reference(made: Any) -> None:
    async with made.session() as s:
        s.remove((await s.require(Leaf, 1)).note)


async def _removed_by_key(made: Any) -> None:
    async with made.session() as s:
        s.remove(1)


async def _saved_after_its_removal(made: Any) -> None:
    leaf = await Leaf.objects.create(id=2)
    await leaf.delete()
    await leaf.save()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "mistake, told",
    [
        (_removed_of_another, r"not in this session; require\(\) it here, or attach\(\) it"),
        (_removed_by_reference, "remove takes a record, not a reference to one: await it first"),
        (_removed_by_key, "remove takes a record, not int"),
        (_saved_after_its_removal, "this Leaf was discarded; make it anew"),
    ],
)
async def test_a_mistake_with_a_record_says_what_to_do(mistake: Callable[[Any], Awaitable[None]], told: str) -> None:
    made = app()
    made.add(Note, Leaf, store="m")
    async with made.session() as s:
        s.add_all([Note(id=1), Leaf(id=1, note=1)])
    with pytest.raises(StateError, match=told):
        await mistake(made)
    await made.close()
