"""Pages under rules about records, users of all kinds, and requests: asked without a session and with one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st

from holdall import (
    ANONYMOUS,
    SYSTEM,
    Authenticated,
    Everyone,
    FieldRights,
    Holdall,
    Model,
    Nobody,
    Owner,
    Policy,
    Ref,
    Role,
    User,
    field,
    me,
)
from holdall.policy import as_rule
from holdall.session import ReadyReads
from holdall.testing.client import Answer
from holdall.web.straight import StraightReads
from tests.support.served import Served

__all__ = [
    "ANN",
    "BOB",
    "PAGE",
    "ROOT",
    "Asked",
    "Group",
    "asked",
    "filled",
    "paths",
    "policies",
    "serve",
    "under",
    "users",
]


class Group(Model, collection="groups"):
    id: int = field(pk=True)
    lead: str = field(length=(0, 50))


class Page(Model, collection="pages"):
    id: int = field(pk=True)
    owner: str = field(length=(0, 100))
    team: str | None = field(default=None, length=(0, 100))
    level: int = 0
    is_public: bool = False
    group: Ref[Group | None] = field(default=None)


PAGE: Any = Page  # checkers see the values themselves on the class
ANN = User("ann", attributes={"team": "red", "teams": ["red"], "level": 2, "group": 1, "text": "r"})
BOB = User("bob", attributes={"team": "blue", "teams": ["red", "blue"], "level": 5, "group": 2, "text": "b"})
ROOT = User("root", roles=frozenset({"admin"}), attributes={"team": "none"})


def _odd(user: User) -> bool:
    return str(user.id) == "bob"


def _by_record(user: User, page: Any) -> bool:
    return bool(page.owner == user.id)


def _failing(user: User) -> bool:
    raise RuntimeError("the directory is down")


_LEAVES: list[Any] = [
    Owner("owner"),
    PAGE.owner != me.id,
    PAGE.team == me.team,
    PAGE.team.in_(me.teams),
    PAGE.team.not_in(me.teams),
    PAGE.team.is_null(),
    PAGE.team.startswith(me.text),
    PAGE.team.endswith(me.text),
    PAGE.team.contains(me.text),
    PAGE.owner.icontains(me.id),
    PAGE.level <= me.level,
    PAGE.level.between(1, me.level),
    PAGE.is_public == True,  # noqa: E712 - a condition
    PAGE.level > 2,
    PAGE.group == me.group,
    PAGE.group.lead == me.id,
    PAGE.group.in_(Group.where(Group.lead == me.id).only(Group.id)),
    Role("admin"),
    Everyone,
    Authenticated,
    Nobody,
    _odd,
    _failing,
    _by_record,
]

_leaves = st.sampled_from(range(len(_LEAVES))).map(lambda number: as_rule(_LEAVES[number]))
_rules = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda rule: ~rule),
    ),
    max_leaves=4,
)
_single = st.builds(
    lambda read, is_hiding: Policy(
        read=read, write=Nobody, fields={"level": FieldRights(read=Role("admin"))} if is_hiding else None
    ),
    _rules,
    st.sampled_from([False] * 7 + [True]),
)
policies = st.one_of(_single, _single, st.tuples(_single, _single).map(lambda pair: pair[0] | pair[1]))

_texts = st.sampled_from(["red", "blue", "", "r", "b\0", "\ud800", "\U0010ffff", "%", "ann"])
_attributes = st.fixed_dictionaries(
    {},
    optional={
        "team": st.one_of(_texts, st.none(), st.just(3)),
        "teams": st.one_of(st.lists(_texts, max_size=4), st.just("red"), st.just([None, "red"]), st.just(7)),
        "level": st.one_of(st.integers(-1, 9), st.sampled_from([2**63, 2**70, "2", None, True, 1.5])),
        "group": st.sampled_from([1, 2, 9, "1", None, 2**70]),
        "text": st.one_of(_texts, st.just(3), st.just(["r"])),
    },
)
users = st.one_of(
    st.sampled_from([ANN, BOB, ROOT, ANONYMOUS, SYSTEM]),
    st.builds(
        lambda identity, roles, attributes: User(identity, roles=frozenset(roles), attributes=attributes),
        st.sampled_from(["ann", "bob", "", 3, None, "a%", "x\0"]),
        st.sampled_from([(), ("admin",), ("guest",)]),
        _attributes,
    ),
)

paths = st.sampled_from(
    [
        *[f"/pages/{number}" for number in (1, 2, 5, 12, 99)],
        "/pages",
        "/pages?page_size=3",
        "/pages?page_size=3&page=2",
        "/pages?page=7",
        "/pages?sort=-level&page_size=2",
        "/pages?owner=ann",
        "/pages?owner=bob&level__gt=1&page_size=4&page=2&count=none",
        "/pages?team__in=red,blue&sort=team",
        "/pages?or=(owner=ann,level=3)&page_size=5",
        "/pages?not=(team=red)",
        "/pages?team__isnull=true",
        "/pages?group.lead=ann",
        "/pages?fields=id,owner",
        "/pages?after=&page_size=2",
        "/pages?team__startswith=r",
        "/pages?count=estimated",
        "/pages?nothing=1",
    ]
)
"""What is asked: straight and not."""


class Asked:
    """Who asks: the service takes the user from here, a new object each time, or the same."""

    def __init__(self) -> None:
        self.user = ANONYMOUS
        self.is_new = True

    async def __call__(self, scope: Any) -> User:
        user = self.user
        return User(user.id, user.roles, user.unrestricted, attributes=dict(user.attributes)) if self.is_new else user


def serve(url: str, who: Asked, *others: Any, model: Any = Page, policy: Policy | None = None) -> Served:
    app = Holdall("ruled pages")
    app.add_store("main", url)
    app.add(model, store="main", policy=policy)
    app.add(*others, store="main", policy=Policy(read=Everyone, write=Nobody))
    return Served(app, authenticate=who)


@contextmanager
def filled(url: str, who: Asked) -> Iterator[Served]:
    """Pages that are served, under no policy yet."""
    owners, teams = ("ann", "bob", "eve", ""), ("red", "blue", None, "green", "")

    async def fill(served: Served) -> None:
        async with served.app.session() as session:
            session.add_all([Group(id=1, lead="ann"), Group(id=2, lead="bob")])
            session.add_all(
                [
                    Page(
                        id=number,
                        owner=owners[number % 4],
                        team=teams[number % 5],
                        level=number % 7,
                        is_public=number % 3 == 0,
                        group=(None, 1, 2)[number % 3],
                    )
                    for number in range(1, 31)
                ]
            )

    with serve(url, who, Group) as served:
        served.run(fill(served))
        yield served


def under(served: Served, who: Asked, policy: Policy, model: Any = Page) -> None:
    """Serve the records of a model under another policy from now on."""
    bindings = served.app.bindings
    bindings.of_model(model).policy = policy.of(model)
    bindings.is_settled = False
    bindings.configure()
    served.service = served.app.asgi(authenticate=who)
    served._client._app = served.service
    served.get("/groups")  # the store looks at its tables anew


@contextmanager
def _noting(is_straight: bool) -> Iterator[list[bool]]:
    """Note which answers come without a session; or let none come so."""
    noted = list[bool]()
    now, many, one = StraightReads.now, StraightReads.many, StraightReads.one

    def told(reply: Any) -> Any:
        noted.append(reply is not None)
        return reply

    async def waited(work: Any) -> Any:
        return told(await work)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StraightReads, "now", lambda *a: told(now(*a)))
        patch.setattr(StraightReads, "many", lambda *a: waited(many(*a)))
        patch.setattr(StraightReads, "one", lambda *a: waited(one(*a)))
        if not is_straight:
            patch.setattr(ReadyReads, "sight", lambda self, user: None)
        yield noted


def asked(served: Served, who: Asked, user: User, path: str, method: str = "GET", **headers: str) -> tuple[bool, Any]:
    """Whether the answer came without a session, and what differs from the one with a session; None if nothing does."""
    who.user = user
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    with _noting(True) as noted:
        one = served.request(method, path, headers=told)
    with _noting(False) as others:
        other = served.request(method, path, headers=told)
    assert not any(others)
    return any(noted), None if _facts(one) == _facts(other) else (user, path, _facts(one), _facts(other))


def _facts(answer: Answer) -> tuple[Any, ...]:
    told = sorted((name, text) for name, text in answer.headers.items() if name not in ("x-request-id", "date"))
    return answer.status, told, answer.body
