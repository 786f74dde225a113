"""The sync facade, and the active-record look without a session of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Session, State, field, state_of
from holdall.app import Contexts, SyncContexts, SyncHoldall, SyncRecovery, SyncSession
from holdall.errors import CommitAborted, NotFound, StateError
from holdall.session import Recovered, Recovery

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True, generated=True)
    text: str
    code: str | None = field(default=None, unique=True)
    tags: list[str] = field(default_factory=list)


@pytest.fixture(params=["memory:", "sqlite:///"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Holdall]:
    made = Holdall("notes")
    made.add_store("main", request.param if request.param == "memory:" else f"{request.param}{tmp_path / 'notes.db'}")
    made.add(Note, store="main")
    made.sync.create()
    yield made
    made.sync.close()


def verbs(kind: Any) -> dict[str, Any]:
    return {name: item for name, item in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_the_facade_has_every_verb_with_the_same_parameters() -> None:
    plain, sync = verbs(Session), verbs(SyncSession)
    assert sync.keys() - plain.keys() == {"wait"}
    assert plain.keys() - sync.keys() == {"leave", "native"}  # what is to be awaited whoever asks
    for name, verb in plain.items():
        if name not in sync:
            continue
        assert list(inspect.signature(verb).parameters) == list(inspect.signature(sync[name]).parameters), name


def test_errors_come_through_and_the_block_rolls_back(app: Holdall) -> None:
    with app.sync.session() as session:
        session.add_all([Note(text="a", code="1"), Note(text="b", code="2")])
    with app.sync.session() as session, pytest.raises(NotFound):
        session.require(Note, 99)
    twin = Note(text="c", code="1")
    with pytest.raises(CommitAborted), app.sync.session() as session:
        session.add(twin)
    assert state_of(twin) is State.DISCARDED
    found = []

    def fail() -> None:
        with app.sync.session() as session:
            note = session.require(Note, 1)
            note.text = "x"
            found.append(note)
            raise ZeroDivisionError

    try:
        fail()
    except ZeroDivisionError:
        assert found[0].text == "a"
        with app.sync.session() as session:  # commits, though an exception is being handled
            session.require(Note, 1).text = "y"
    with app.sync.session() as session:
        assert session.require(Note, 1).text == "y"


def test_several_threads_have_a_session_each(app: Holdall) -> None:
    def write(number: int) -> int:
        with app.sync.session() as session:
            note = session.add(Note(text=str(number)))
        assert note.id is not None
        return note.id

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(write, range(40)))
    assert len(set(keys)) == 40


def test_sessions_nest_and_the_inner_one_is_active(app: Holdall) -> None:
    with app.sync.session() as outer:
        first = outer.wait(Note.objects.create(text="outer"))
        outer.commit()
        with app.sync.session() as inner:
            again = inner.wait(Note.objects.get(first.id))
            assert again is not first
            assert again is inner.get(Note, first.id)
        assert outer.wait(Note.objects.get(first.id)) is first


def test_its_own_loop_may_not_wait_for_itself(app: Holdall) -> None:
    async def within() -> None:
        for act in (app.sync.create, app.sync.close):
            with pytest.raises(StateError, match="its own loop"):
                act()

    app.sync._call(within)
    app.sync.create()


def test_a_stream_may_be_left(app: Holdall) -> None:
    with app.sync.session() as session:
        session.add_all(Note(text=str(number)) for number in range(10))
    with app.sync.session() as session:
        for note in session.stream(Note.where().sort(Note.id), batch=3):
            if note.text == "4":
                break
        assert len(list(session.stream(Note.where(), batch=5))) == 10


def test_it_may_be_closed_twice_and_used_again(app: Holdall) -> None:
    with app.sync.session() as session:
        session.add(Note(text="a"))
    app.sync.close()
    app.sync.close()
    with app.sync.session() as session:
        assert session.count(Note.where()) == 1


async def test_records_found_without_a_session_can_be_saved_and_deleted() -> None:
    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main")
    await Note.objects.create(text="a")
    note = await Note.objects.get(1)
    assert note is not None
    note.text = "b"
    note.tags.append("x")
    await note.save()
    assert state_of(note) is not State.DIRTY
    found = await Note.objects.get(1)
    assert found is not None
    assert (found.text, found.tags) == ("b", ["x"])
    found.text = "c"
    async with app.session() as session:
        assert session.attach(found) is found
        assert session.attach(found) is found
        with pytest.raises(StateError):
            session.attach(note)
    again = await Note.objects.get(1)
    assert again is not None
    assert again.text == "c"
    await again.delete()
    assert await Note.objects.all().count() == 0
    assert state_of(again) is State.DISCARDED
    with pytest.raises(StateError):
        await again.save()


def test_the_facade_of_the_application_has_its_verbs_too(app: Holdall) -> None:
    for plain, sync, left_out in (
        (verbs(Recovery), verbs(SyncRecovery), set[str]()),
        (
            verbs(Holdall),
            verbs(SyncHoldall),
            {
                "add",
                "add_dao",
                "add_files",
                "add_store",
                "activated",
                "asgi",
                "collections",
                "replace_store",
                "session_dependency",
            }
            | {"identify", "mount", "revisions", "find_user", "tell_request_ids"}
            | {"actions", "selections", "add_action", "add_selection"}
            | {"on", "after", "add_audit", "add_feed", "add_webhook", "job", "keep_jobs"}
            | (verbs(Contexts).keys() - verbs(SyncContexts).keys()),
        ),
    ):
        assert plain.keys() - sync.keys() == left_out
        for name in plain.keys() & sync.keys():
            missing = inspect.signature(plain[name]).parameters.keys() - inspect.signature(sync[name]).parameters.keys()
            assert missing <= {"progress"}, name
    app.sync.verify()
    assert app.sync.durability() == {} or all(app.sync.durability().values())
    app.sync.start(every=60)
    assert (app.sync.collect_files(), app.sync.check_files()) == ([], [])
    assert app.sync.recovery.unfinished() == []
    assert app.sync.recovery.run() == Recovered()
    assert app.sync.recovery.sweep() == 0
    for verb in ("resolve", "retry", "compensate", "accept"):
        with pytest.raises(NotFound, match="0123"):
            getattr(app.sync.recovery, verb)("0123")


def test_stores_are_looked_at(tmp_path: Path) -> None:
    app = Holdall("notes")
    app.add_store("main", f"sqlite:///{tmp_path / 'notes.db'}")
    app.add(Note, store="main")
    assert app.sync.inspect() == app.sync.obstacles() == {"main": ["table note for note is missing"]}
    app.sync.create()
    assert app.sync.inspect() == app.sync.obstacles() == {}
    with app.sync.session() as session:
        session.add_all([Note(text="a"), Note(text="b")])
    assert app.sync.fsck(batch=1).checked == 2
    app.sync.close()
