"""The language of rules: what each says of a user, alone and combined, and that what fails gives nothing."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Authenticated, Everyone, FieldRights, Model, Nobody, Owner, Policy, Role, User, field, me
from holdall.errors import DeclarationError, QueryError
from holdall.policy import ANONYMOUS, SYSTEM, NotOf, Right, When, as_rule, bound, described
from holdall.query import ALWAYS, NEVER, Condition, format_condition


class Page(Model):
    id: int = field(pk=True)
    author: str
    editor: str | None = None
    number: int = 0
    is_public: bool = False


ANN = User("ann", roles=frozenset({"editor"}), attributes={"level": 3, "teams": ["a", "b"], "wrong": object()})
EVE = User("eve")


def raising(user: User) -> bool:
    raise RuntimeError("the directory is down")


def text_of(rule: Any, user: User) -> str:
    condition = bound(as_rule(rule), user)
    return {ALWAYS: "always", NEVER: "never"}.get(condition) or format_condition(condition)


@pytest.mark.parametrize(
    "rule, ann, eve, nobody",
    [
        (Everyone, "always", "always", "always"),
        (Authenticated, "always", "always", "never"),
        (Nobody, "never", "never", "never"),
        (~Nobody, "always", "always", "always"),
        (Role("admin", "editor"), "always", "never", "never"),
        (~Role("editor"), "never", "always", "always"),
        (Owner("author"), 'author = "ann"', 'author = "eve"', "never"),
        (~Owner("author"), 'not author = "ann"', 'not author = "eve"', "never"),
        (Page.author == me.id, 'author = "ann"', 'author = "eve"', "never"),
        (Page.author != me.id, 'author != "ann"', 'author != "eve"', "never"),
        (~(Page.author == me.id), 'not author = "ann"', 'not author = "eve"', "never"),
        (Role("editor") | (Page.author == me.id), "always", 'author = "eve"', "never"),
        ((Page.author == me.id) | Role("editor"), "always", 'author = "eve"', "never"),
        (Role("editor") & (Page.number > 2), "number > 2", "never", "never"),
        ((Page.number > 2) & Role("editor"), "number > 2", "never", "never"),
        (~(Role("editor") & (Page.number > 2)), "not number > 2", "always", "always"),
        (Page.number <= me.level, "number <= 3", "never", "never"),
        (~(Page.number <= me.level), "not number <= 3", "never", "never"),
        (Page.author.in_(me.teams), 'author in ("a", "b")', "never", "never"),  # type: ignore[attr-defined]
        (Page.author.in_(me.roles), 'author in ("editor")', "author in ()", "author in ()"),  # type: ignore[attr-defined]
        (Page.number.between(1, me.level), "number between 1 and 3", "never", "never"),  # type: ignore[attr-defined]
        (Page.author.startswith(me.id), 'author startswith "ann"', 'author startswith "eve"', "never"),
        ((Page.author == me.id) | (Page.number == me.level), None, 'author = "eve"', "never"),
        (~((Page.author == me.id) & (Page.number == me.level)), None, 'not author = "eve"', "never"),
        (Page.number == me.wrong, "never", "never", "never"),
        (~(Page.number == me.wrong), "never", "never", "never"),
        (Page.number == me.id, "never", "never", "never"),
        (raising, "never", "never", "never"),
        (NotOf(as_rule(raising)), "never", "never", "never"),
        (lambda user: user.id == "ann", "always", "never", "never"),
        (lambda user: "yes", "never", "never", "never"),
        (NotOf(as_rule(lambda user: "yes")), "never", "never", "never"),
    ],
)
def test_a_rule_is_a_condition_for_each_user(rule: Any, ann: str | None, eve: str, nobody: str) -> None:
    assert ann is None or text_of(rule, ANN) == ann
    assert (text_of(rule, EVE), text_of(rule, ANONYMOUS)) == (eve, nobody)


def test_the_program_itself_may_everything() -> None:
    policy = Policy(read=Nobody, write=raising)
    assert all(policy.allows(right, SYSTEM) and policy.bound(right, SYSTEM) == ALWAYS for right in Right)
    assert not any(policy.allows(right, ANN) for right in Right)


@pytest.mark.parametrize(
    "rule, told",
    [
        (
            Role("editor") & ((Page.author == me.id) | ~(Page.number > 3)) | Owner(Page.author),
            "role editor and (author = me.id or not number > 3) or author = me.id",
        ),
        (Role("a", "b") & Role("c"), "(role a or b) and role c"),
        (Role("c") & (Role("a") | Owner("author")), "role c and (role a or author = me.id)"),
        (~Role("a"), "not role a"),
        (~Role("a", "b"), "not (role a or b)"),
        (~(Role("a") & Role("b")), "not (role a and role b)"),
        (~(Role("a") | Nobody), "not (role a or nobody)"),
        (~Owner("author"), "not author = me.id"),
        (raising, "raising"),
    ],
)
def test_rules_are_described_as_they_were_written(rule: Any, told: str) -> None:
    assert described(as_rule(rule)) == told


def test_a_policy_is_described_with_its_tenant_and_all_that_were_merged() -> None:
    one, other = Policy(read=Everyone), Policy(read=Role("a", "b"))
    tenant = When(Page.author == me.id)
    assert one.of(Page).described(Right.READ) == "everyone"
    assert one.of(Page, tenant).described(Right.READ) == "author = me.id and (everyone)"
    assert (one | other).of(Page).described(Right.READ) == "(everyone) or (role a or b)"
    assert (one | one).of(Page).described(Right.READ) == "(everyone)"


def test_policies_merge_and_one_says_which() -> None:
    public = Policy(read=Page.is_public == True, write=Nobody, name="public")  # noqa: E712
    own = Policy(read=Owner("author"), write=Owner("author"), name="own")
    merged = (public | own).of(Page)
    assert format_condition(merged.bound(Right.READ, ANN)) == 'is_public = true or author = "ann"'
    assert format_condition(merged.bound(Right.UPDATE, ANN)) == 'author = "ann"'
    assert not merged.allows(Right.UPDATE, ANONYMOUS)
    assert [part.name for part, _ in merged.parts(Right.READ, ANONYMOUS)] == ["public"]


def test_a_merged_policy_shows_a_field_only_with_the_records_it_shows() -> None:
    public = Policy(read=Page.is_public == True, fields={"number": FieldRights(read=Role("boss"))})  # noqa: E712
    own = Policy(read=Owner("author"))
    everything = Policy(read=Role("editor"))
    assert (public | own).of(Page).hidden(EVE) == {"number"}
    assert (public | everything).of(Page).hidden(ANN) == frozenset()
    assert (public | everything).of(Page).hidden(EVE) == {"number"}


WRONG: list[tuple[Any, str]] = [
    (lambda: Policy(read="editor"), "not by text"),  # type: ignore[arg-type]
    (lambda: Policy(read=3), "not by int"),  # type: ignore[arg-type]
    (lambda: Policy(read=lambda: True), "takes the user"),
    (lambda: Role(), "named by a text"),
    (lambda: Owner(3), "Owner takes a field"),
    (lambda: Policy(fields={"author": Role("x")}), "FieldRights"),  # type: ignore[dict-item]
    (lambda: Policy(fields={"autor": FieldRights()}).of(Page), "did you mean author"),
    (lambda: Policy(fields={"id": FieldRights(read=Role("x"))}).of(Page), "is the key"),
    (lambda: FieldRights(read=Page.author == me.id), "on the user alone"),
    (lambda: Policy(read=Owner("nobody")).of(Page), "no field 'nobody'"),
    (lambda: Policy(valid={"read": Page.number > 1}), "valid="),
    (lambda: User("x", roles="editor"), "set of names"),  # type: ignore[arg-type]
    (lambda: User("x", attributes=["a"]), "by name"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("declare, told", WRONG, ids=[told for _, told in WRONG])
def test_what_cannot_be_a_rule_is_refused_where_it_is_declared(declare: Any, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        declare()


def test_a_rule_of_another_model_is_refused() -> None:
    class Other(Model):
        id: int = field(pk=True)

    rule: Condition = Other.id == 1  # type: ignore[assignment]
    with pytest.raises(DeclarationError, match="Other"):
        Policy(read=rule).of(Page)


def test_rules_have_no_truth_value() -> None:
    with pytest.raises(TypeError, match="not and, or, not"):
        _ = Role("a") and Role("b")
    with pytest.raises(DeclarationError, match="not by int"):
        _ = Role("a") | 3  # type: ignore[operator]
    with pytest.raises(QueryError, match="parentheses"):
        _ = (Page.number > 1) | 3


def test_a_user_is_a_value_whatever_is_known_of_him() -> None:
    assert User("a", attributes={"x": [1]}) == User("a", attributes={"x": [1]})
    assert len({User("a", attributes={"x": [1]}), User("a", attributes={"x": [1]})}) == 1
    assert "secret" not in repr(User("a", attributes={"token": "secret"}))
    assert ANN.has_role("x", "editor")
    assert not EVE.has_role("x", "editor")
    assert ANONYMOUS.is_anonymous
