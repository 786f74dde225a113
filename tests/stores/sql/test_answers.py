"""What a server answers is what happened: its refusal is never a lost answer, and nothing lasts that is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest
from asyncmy.errors import OperationalError
from sqlalchemy.exc import OperationalError as AlchemyError

from holdall.errors import Conflict, LockConflict, StaleVersion, StoreError, StoreFull, StoreTimeout, StoreUnavailable
from holdall.query import FieldSchema, Generated, Key, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.sql import SqlStore, open_sql
from holdall.stores.sql.errors import deciding

pytestmark = pytest.mark.anyio

NOTE = Schema("note", (FieldSchema("id", Kind.INT, generated=Generated.STORE), FieldSchema("text", Kind.STR)), ("id",))
TAG = Schema("tag", (FieldSchema("id", Kind.STR), FieldSchema("text", Kind.STR)), ("id",))
Run = Callable[[str], Awaitable[str]]


@pytest.fixture
async def run(postgres_url: str) -> AsyncIterator[Run]:
    """Executes a statement past Holdall."""
    connection = await asyncpg.connect(postgres_url)
    yield connection.execute
    await connection.close()


@pytest.fixture
async def store(postgres_url: str, run: Run) -> AsyncIterator[SqlStore]:
    """A store over one connection; note 1 is there, and so is a table of what triggers did."""
    store = open_sql("main", postgres_url, connections=1)
    store.bind([NOTE, TAG])
    await run("DROP TABLE IF EXISTS note, tag, trace CASCADE")
    await store.create()
    await run("CREATE TABLE trace (id bigint)")
    await store.apply([_ADD])
    yield store
    await store.close()
    await run("DROP TABLE note, tag, trace CASCADE")


_ADD = Change(Verb.ADD, "note", None, ("text",), ("a",))
_SET = Change(Verb.UPDATE, "note", 1, ("text",), ("b",))
_REMOVE = Change(Verb.REMOVE, "note", 1)


async def _guard(run: Run, when: str, then: str) -> None:
    await run(
        "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN INSERT INTO trace VALUES (1); {then}; END $$; "
        f"CREATE TRIGGER guard {when} ON note FOR EACH ROW EXECUTE FUNCTION guard()"
    )


async def _traces(run: Run) -> str:
    return await run("SELECT * FROM trace")


@pytest.mark.parametrize(
    "change, when, kind",
    [
        (_ADD, "BEFORE INSERT", Conflict),
        (_SET, "BEFORE UPDATE", StaleVersion),
        (_REMOVE, "BEFORE DELETE", StaleVersion),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
async def test_nothing_lasts_of_what_a_trigger_kept_from_being_written(
    store: SqlStore, run: Run, change: Change, when: str, kind: type[Conflict], is_known: bool
) -> None:
    await _guard(run, when, "RETURN NULL")
    if is_known:
        await store.close()
        with pytest.raises(kind):
            await store.apply([change])
        assert await _traces(run) == "SELECT 0"
        return
    # made after the connection was: what the first commit did is told to be uncertain, the next ones are refused
    with pytest.raises(StoreUnavailable, match="note") as caught:
        await store.apply([change])
    assert caught.value.is_outcome_unknown
    with pytest.raises(kind):
        await store.apply([change])
    assert await _traces(run) == "SELECT 1"


_KEPT = "TRIGGER kept BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION keep()"
_RULE = "RULE kept AS ON INSERT TO {} DO INSTEAD NOTHING"


@pytest.mark.parametrize("schema, keys, guard", [(TAG, "xyz", _KEPT), (NOTE, (7, 8, 9), _KEPT), (TAG, "xyz", _RULE)])
async def test_records_with_keys_of_their_own_that_were_not_written_are_refused(
    store: SqlStore, run: Run, schema: Schema, keys: Sequence[Key], guard: str
) -> None:
    await run("CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await run(f"CREATE {guard.format(schema.name)}")
    await store.close()
    added = [Change(Verb.ADD, schema.name, key, ("id", "text"), (key, "b")) for key in keys]
    for changes in (added[:1], added, [*added, _SET]):
        with pytest.raises(Conflict, match=f"kept 0 of {min(len(changes), 3)} new {schema.name} records"):
            await store.apply(changes)
    assert [row[1] for row in await store.fetch(Query("note"))] == ["a"]


async def test_triggers_of_children_and_rules_count(store: SqlStore, run: Run) -> None:
    await run("CREATE TABLE child () INHERITS (note); INSERT INTO child VALUES (7, 'c')")
    await run(
        "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO trace VALUES (1); RETURN NULL; END $$; "
        "CREATE TRIGGER guard BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION guard()"
    )
    await store.close()
    with pytest.raises(StaleVersion):
        await store.apply([Change(Verb.REMOVE, "note", 7)])
    assert await _traces(run) == "SELECT 0"


async def test_a_missing_record_is_stale(store: SqlStore) -> None:
    with pytest.raises(StaleVersion):
        await store.apply([Change(Verb.REMOVE, "note", 99)])


@pytest.mark.parametrize(
    "state, kind",
    [
        ("53100", StoreFull),
        ("53200", StoreUnavailable),
        ("57014", StoreTimeout),
        ("55P03", LockConflict),
        ("40P01", LockConflict),
        ("40001", LockConflict),
        ("58030", StoreUnavailable),
    ],
)
async def test_a_refusal_of_the_server_is_its_answer(
    store: SqlStore, run: Run, state: str, kind: type[StoreError]
) -> None:
    await _guard(run, "AFTER INSERT", f"RAISE EXCEPTION 'no' USING ERRCODE = '{state}'")
    for changes in ([_ADD], [_ADD, _SET]):
        with pytest.raises(kind) as caught:
            await store.apply(changes)
        assert not getattr(caught.value, "is_outcome_unknown", False)
    assert [row[1] for row in await store.fetch(Query("note"))] == ["a"]


async def test_a_refusal_at_the_commit_is_its_answer(store: SqlStore, run: Run) -> None:
    await _guard(run, "AFTER INSERT", "RETURN NULL")
    await run("DROP TRIGGER guard ON note")
    await run(
        "CREATE OR REPLACE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$; "
        "CREATE CONSTRAINT TRIGGER guard AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION guard()"
    )
    for changes in ([_ADD], [_ADD, _SET]):
        with pytest.raises(StoreUnavailable) as caught:
            await store.apply(changes)
        assert not caught.value.is_outcome_unknown


async def test_an_answer_that_is_lost_is_unknown(store: SqlStore, run: Run) -> None:
    end = "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL"
    await _guard(run, "AFTER INSERT", end)
    with pytest.raises(StoreUnavailable) as caught:
        await store.apply([_ADD])
    assert caught.value.is_outcome_unknown


@pytest.mark.parametrize(
    "number, is_unknown", [(1180, False), (1021, False), (1213, False), (1053, True), (1927, True), (2013, True)]
)
def test_what_mariadb_answers_to_a_commit(number: int, is_unknown: bool) -> None:
    cause = AlchemyError("COMMIT", (), OperationalError(number, "told"))
    with pytest.raises(StoreUnavailable) as caught, deciding():
        raise StoreUnavailable("main", "told") from cause
    assert caught.value.is_outcome_unknown is is_unknown
