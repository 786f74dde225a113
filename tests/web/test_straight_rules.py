"""Reads under rules about records answer without a session as they do with one, whoever asks after whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall import ANONYMOUS, Everyone, FieldRights, Nobody, Owner, Policy, Role, Tenanted, User, field, me
from holdall.session import ReadyReads, Sight, ready_reads
from tests.servers.scratch import scratch_database
from tests.support.ruled_pages import ANN, BOB, PAGE, ROOT, Asked, asked, filled, paths, policies, serve, under, users
from tests.support.served import Served

OWN = Policy(read=Owner("owner"), write=Nobody)
TEAMS = Policy(read=PAGE.team.in_(me.teams), write=Nobody)
LISTS = ("/pages", "/pages?page_size=2", "/pages?sort=-level&page_size=3&page=2", "/pages?owner=ann", "/pages/1")


@pytest.fixture(scope="module")
def who() -> Asked:
    return Asked()


@pytest.fixture(scope="module", params=["sqlite", "postgres_url"])
def served(request: pytest.FixtureRequest, who: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('rules')}/p.db"
        else:  # other files have tables of these names
            url = stack.enter_context(scratch_database(request.getfixturevalue(request.param)))
        yield stack.enter_context(filled(url, who))


def all_straight(served: Served, who: Asked, user: User, *paths: str) -> list[bool]:
    """Which answers came without a session; each is the one that a session gives."""
    found = [asked(served, who, user, path) for path in paths]
    assert [differing for _, differing in found if differing is not None] == []
    return [is_straight for is_straight, _ in found]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=policies,
    asks=st.lists(st.tuples(users, paths, st.sampled_from(["GET", "GET", "HEAD"])), min_size=2, max_size=8),
    is_new=st.booleans(),
)
def test_a_session_gives_the_same_answer(
    served: Served, who: Asked, policy: Policy, asks: list[tuple[User, str, str]], is_new: bool
) -> None:
    who.is_new = is_new
    under(served, who, policy)
    for user, path, method in asks:
        assert asked(served, who, user, path, method)[1] is None


RULES: list[tuple[str, Any]] = [
    ("owner", Owner("owner")),
    ("attribute", PAGE.team == me.team),
    ("list", PAGE.team.in_(me.teams)),
    ("key of another record", PAGE.group == me.group),
    ("range", PAGE.level.between(1, me.level)),
    ("beginning", PAGE.team.startswith(me.text)),
    ("no value of a user", PAGE.is_public == True),  # noqa: E712 - a condition
    ("null", PAGE.team.is_null() | (PAGE.owner == me.id)),
    ("role", Role("admin") | (PAGE.owner == me.id)),
    ("function of the user", (lambda user: user.id == "ann") & (Owner("owner") | (PAGE.level > 2))),
    ("negation", ~(PAGE.owner == me.id)),
]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=name) for name, rule in RULES])
def test_conditions_on_own_fields_need_no_session(served: Served, who: Asked, rule: Any) -> None:
    under(served, who, Policy(read=rule, write=Nobody))
    who.is_new = True
    for user in (ANN, BOB, ANN, User("ann", attributes=BOB.attributes), BOB):
        straight = all_straight(served, who, user, *LISTS[:-1])
        assert all(straight) or (user.id == "bob" and not any(straight))  # he has no right by the function


@pytest.mark.parametrize(
    "policy",
    [
        Policy(read=PAGE.group.lead == me.id, write=Nobody),
        Policy(read=Owner("owner") | (lambda user, page: page.owner == user.id), write=Nobody),
        Policy(read=Owner("owner"), write=Nobody, fields={"level": FieldRights(read=Role("admin"))}),
        Policy(read=PAGE.team == me.nothing, write=Nobody),
    ],
)
def test_what_is_not_of_the_record_alone_is_for_a_session(served: Served, who: Asked, policy: Policy) -> None:
    under(served, who, policy)
    assert not any(all_straight(served, who, ANN, *LISTS))


def test_merged_policies_give_what_any_of_them_gives(served: Served, who: Asked) -> None:
    public = Policy(read=PAGE.is_public == True, write=Nobody)  # noqa: E712 - a condition
    under(served, who, public | OWN | Policy(read=Role("admin"), write=Nobody))
    assert all(all_straight(served, who, ANN, *LISTS[:-1]))
    assert all(all_straight(served, who, ROOT, *LISTS))
    assert all(all_straight(served, who, ANONYMOUS, *LISTS[:-1]))
    assert [count(served, who, user) for user in (ANN, ROOT, ANONYMOUS, BOB)] == [15, 30, 10, 16]


def count(served: Served, who: Asked, user: User, path: str = "/pages?page_size=1") -> Any:
    who.user = user
    return served.get(path).json()["total_count"]


def test_lists_of_another_length_are_another_text(served: Served, who: Asked) -> None:
    under(served, who, TEAMS)
    for teams, number in ((["red"], 6), (["red", "blue"], 12), ([], 0), (["blue"], 6), (["red", "blue", "green"], 18)):
        user = User("ann", attributes={"teams": teams})
        assert count(served, who, user) == number
        assert all(all_straight(served, who, user, *LISTS[:-1]))


def test_hidden_records_are_absent_and_tags_are_those_of_what_is_seen(served: Served, who: Asked) -> None:
    under(served, who, OWN)
    who.user = BOB
    own = served.get("/pages/1")
    assert own.status == 200
    who.user = ANN
    hidden, absent = served.get("/pages/1"), served.get("/pages/999")
    assert (hidden.status, hidden.body) == (absent.status, absent.body) == (404, absent.body)
    assert served.get("/pages/1", if_none_match=own.headers["etag"]).body == absent.body
    assert served.get("/pages/1", if_none_match="*").body == absent.body
    seen = {}
    for user in (ANN, BOB):
        who.user = user
        seen[user.id] = served.get("/pages").headers["etag"]
        assert served.get("/pages", if_none_match=seen[user.id]).status == 304
    assert served.get("/pages", if_none_match=seen["ann"]).status == 200
    for headers in ({"if_none_match": seen["ann"]}, {"if_match": seen["ann"]}, {"if_none_match": own.headers["etag"]}):
        for user in (ANN, BOB):
            for path in LISTS:
                assert asked(served, who, user, path, **headers)[1] is None


def test_a_rule_that_changes_its_mind_is_asked_each_time(served: Served, who: Asked) -> None:
    rules = [Owner("owner")]
    under(served, who, Policy(read=(lambda user: bool(rules)) & Owner("owner"), write=Nobody))
    assert count(served, who, BOB) == 8
    assert all(all_straight(served, who, BOB, *LISTS))
    rules.clear()
    assert served.get("/pages/1").status == served.get("/pages").status == 404
    assert not any(all_straight(served, who, BOB, *LISTS))


def test_values_that_fit_no_field_give_nothing(served: Served, who: Asked) -> None:
    under(served, who, Policy(read=PAGE.level <= me.level, write=Nobody))
    assert all(all_straight(served, who, ANN, *LISTS[:3]))
    for level in ("2", None, 2**70, [1], 1.5):
        all_straight(served, who, User("ann", attributes={"level": level}), *LISTS)
    under(served, who, Policy(read=PAGE.team.startswith(me.text), write=Nobody))
    for text in ("r", 3, ["r"], "", "\U0010ffff", "b\0", "\ud800", "bl"):
        all_straight(served, who, User("ann", attributes={"text": text}), *LISTS)


def test_what_is_remembered_of_rules_is_bounded(served: Served, who: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_reads, "_REMEMBERED", 3)
    under(served, who, TEAMS)
    straight = served.service._served.resources["pages"]._straight
    for length in [*range(8), *range(8)]:
        user = User("ann", attributes={"teams": [f"{number}" for number in range(length)]})
        assert all(all_straight(served, who, user, *LISTS[:-1]))
        assert len(straight._reads._forms) <= 3
        assert len(straight._known) <= 3 * len(LISTS)


class Note(Tenanted, collection="notes"):
    id: int = field(pk=True)
    text: str = field(length=(0, 100))


def test_records_of_a_tenant_need_no_session(tmp_path: Path) -> None:
    who = Asked()
    with serve(f"sqlite:///{tmp_path}/n.db", who, model=Note, policy=Policy(read=Everyone, write=Everyone)) as served:
        north, south = (User("ann", attributes={"tenant": name}) for name in ("north", "south"))
        for number, user in enumerate((north, south, north), 1):
            who.user = user
            assert served.post("/notes", {"id": number, "text": "x"}).status == 201
        for user in (north, south, north):
            assert all(all_straight(served, who, user, "/notes", "/notes?page_size=1", "/notes?text=x&sort=text"))
        assert [count(served, who, user, "/notes") for user in (north, south)] == [2, 1]
        assert all_straight(served, who, north, "/notes/1", "/notes/2") == [True, False]
        assert not any(all_straight(served, who, User("eve"), "/notes", "/notes/1"))


# --- planted faults ---------------------------------------------------------------------------------------------------


_sight_by = ReadyReads._sight_by
_first: dict[object, Any] = {}


def _of_the_first(self: ReadyReads, rule: Any, binding: Any) -> Sight | None:
    found = _sight_by(self, rule, binding)
    return found and Sight(rule, found.form, _first.setdefault(found.form, found.values))


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "no rule": (ready_reads, "guarded_by", lambda rule, query: query),
    "rule of one user for all": (ReadyReads, "_sight_by", _of_the_first),
    "any length": (ready_reads, "_exactly", lambda length: 0),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, served: Served, who: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[fault])
    found = list[Any]()
    for policy in (OWN, TEAMS):
        under(served, who, policy)
        for user in (ANN, BOB, ANN):
            found += [differing for path in LISTS if (differing := asked(served, who, user, path)[1]) is not None]
    under(served, who, OWN)
    assert found
