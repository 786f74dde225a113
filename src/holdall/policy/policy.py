"""Policies: who may read, create, update and delete which records of a collection, and which of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from holdall.errors import DeclarationError, Forbidden
from holdall.policy.bound import Binder, all_of, binder, bound
from holdall.policy.field_rights import FieldRights
from holdall.policy.part import Part, is_open
from holdall.policy.right import Right
from holdall.policy.rule import AllOf, AnyOf, Authenticated, Given, Grant, Rule, When, as_rule, is_steady
from holdall.policy.rule_walk import described
from holdall.policy.user import User
from holdall.query import ALWAYS, NEVER, Condition, Value

__all__ = ["Policy"]

_NOTHING: frozenset[str] = frozenset()


class Policy:
    """The rights of users in a collection.

    ``write`` stands for create, update and delete where these are not given. Without anything, only authenticated
    users may. A right is given by Everyone, Authenticated, Nobody, a Role, an Owner, a condition on the records it is
    for (with ``me`` for who asks), or a function of the user, or of the user and a record; all combine with ``&``,
    ``|`` and ``~``. A rule that raises gives no right. A record must meet the rule of an update before it and after it.

    ``fields`` are rights in single fields. ``valid`` are conditions that records must meet which these users write, for
    all writes or by right. ``actions`` and ``selections`` are rules by name. Policies merge by ``|``: a user may what
    any of them allows; ``name`` says in explanations which one it was.

    Raises DeclarationError for what is no rule.

    >>> policy = Policy(read=Everyone, write=Role("editor"))
    >>> from holdall.policy import Right
    >>> policy.allows(Right.READ, ANONYMOUS), policy.allows(Right.CREATE, User("jane", roles=["editor"]))
    (True, True)
    >>> policy.described(Right.DELETE)
    'role editor'
    >>> policy.demand(Right.DELETE, ANONYMOUS, "book")
    Traceback (most recent call last):
    holdall.errors.Forbidden: no right to delete book

    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     author: str = ""
    ...     cost: int = 0
    >>> rights = {"author": FieldRights(write=Nobody, preset=me.id), "cost": FieldRights(read=Role("boss"))}
    >>> own = Policy(read=Owner("author"), fields=rights, actions={"print": Role("boss")}).of(Page)
    >>> ann = User("ann")
    >>> own.bound(Right.READ, ann)
    Compare(path=('author',), op=<Op.EQ: 'eq'>, value='ann')
    >>> own.is_whole(Right.READ, ann), own.hidden(ann), own.presets(ann)
    (False, frozenset({'cost'}), {'author': 'ann'})
    >>> len(own.rules(Right.READ)), len(own.parts(Right.READ, ann)), own.rule_of("action", "print"), own.named
    (1, 1, Role('boss'), frozenset({'action print'}))
    """

    __slots__ = (
        "_allowed",
        "_binders",
        "_hidden",
        "_hides_steadily",
        "_is_steady",
        "_known",
        "_parts",
        "_tenant",
        "has_fields",
        "is_plain",
        "is_simple",
        "may_hide",
    )

    def __init__(
        self,
        *,
        read: Given = Authenticated,
        write: Given = Authenticated,
        create: Given | None = None,
        update: Given | None = None,
        delete: Given | None = None,
        fields: Mapping[str, FieldRights] | None = None,
        valid: Condition | bool | Mapping[str, Condition | bool] | None = None,
        actions: Mapping[str, Given] | None = None,
        selections: Mapping[str, Given] | None = None,
        name: str = "",
    ) -> None:
        given = {"read": read, "write": write, "create": create, "update": update, "delete": delete}
        needed = {name: rule for name, rule in given.items() if rule is not None or name in ("read", "write")}
        rules = {right: as_rule(cast(Given, rule), right) for right, rule in needed.items()}
        self._take(
            (
                Part(
                    name,
                    {right: rules.get(right.value, rules["write"]) for right in Right},
                    _fields(fields),
                    _valid(valid),
                    {f"action {key}": as_rule(rule, f"action {key}") for key, rule in (actions or {}).items()}
                    | {
                        f"selection {key}": as_rule(rule, f"selection {key}")
                        for key, rule in (selections or {}).items()
                    },
                ),
            ),
            None,
        )

    def _take(self, parts: tuple[Part, ...], tenant: When | None) -> None:
        self._parts, self._tenant = parts, tenant
        self.has_fields = any(part.fields or part.valid for part in parts)
        self.may_hide = any(not is_open(rights) for part in parts for rights in part.fields.values())  # from anybody
        self.is_simple = tenant is None and all(part.is_plain for part in parts)  # users alone decide about records
        self._is_steady = all(map(is_steady, [rule for part in parts for rule in part.rules.values()]))
        self._binders: dict[tuple[Right, bool], Binder] = {}
        self._known: dict[tuple[Right, bool], tuple[User, Condition]] = {}  # for the user who asked last
        self._allowed: dict[Right, User] = {}  # the user who asked last of those who have the right
        self._hides_steadily = self._is_steady and all(
            is_steady(rights.read) for part in parts for rights in part.fields.values()
        )
        self._hidden: tuple[User, frozenset[str]] | None = None  # of the user who asked last
        self.is_plain = self.is_simple and not self.has_fields

    def _made(self, parts: tuple[Part, ...], tenant: When | None) -> Policy:
        made = Policy.__new__(Policy)
        made._take(parts, tenant)
        return made

    def __or__(self, other: Policy) -> Policy:
        if not isinstance(other, Policy):
            return NotImplemented
        if self._tenant is not None or other._tenant is not None:
            raise DeclarationError("policies are merged before a collection has them")
        return self._made((*self._parts, *other._parts), None)

    def of(self, model: Value, tenant: When | None = None) -> Policy:
        """The policy for a model, every record of which is under ``tenant``.

        Raises DeclarationError where a rule speaks of fields that the model has not. Example: :class:`Policy`.
        """
        if self.is_plain and tenant is None:
            return self
        parts = [part.of(model) for part in self._parts]
        if tenant is not None:
            parts = [part.in_tenant(tenant) for part in parts]
        return self._made(tuple(parts), tenant)

    # --- records ------------------------------------------------------------------------------------------------------

    def allows(self, right: Right, user: User) -> bool:
        """Whether the user has the right, for some records at least; a rule that raises gives none."""
        if self._allowed.get(right) is user or user.unrestricted:
            return True
        allowed = self.bound(right, user) != NEVER
        if allowed and self._is_steady:
            self._allowed[right] = user
        return allowed

    def bound(self, right: Right, user: User, *, in_tenant: bool = True) -> Condition:
        """The condition that records must meet for the user to have the right; without what the tenant demands, if not
        ``in_tenant``. Example: :class:`Policy`.
        """
        if user.unrestricted:
            return ALWAYS
        place = right, in_tenant
        known = self._known.get(place) if self._is_steady else None
        if known is not None and known[0] is user:
            return known[1]
        bind = self._binders.get(place)
        found = self._binder(right, in_tenant=in_tenant)(user) if bind is None else bind(user)
        if self._is_steady:
            self._known[place] = user, found
        return found

    def _binder(self, right: Right, *, in_tenant: bool) -> Binder:
        rules = tuple([part.rules[right] for part in self._parts])
        rule = rules[0] if len(rules) == 1 else AnyOf(rules)
        tenant = self._tenant if in_tenant else None
        made = self._binders[right, in_tenant] = binder(rule if tenant is None else AllOf((tenant, rule)))
        return made

    def is_whole(self, right: Right, user: User) -> bool:
        """Whether the user has the right for every record, as far as the tenant goes. Example: :class:`Policy`."""
        return self.allows(right, user) and self.bound(right, user, in_tenant=False) == ALWAYS

    def described(self, right: Right) -> str:
        """Describe, for those who run the service, to whom the right is given."""
        words = [described(part.rules[right]) for part in self._parts]
        told = words[0] if len(words) == 1 else " or ".join(f"({word})" for word in dict.fromkeys(words))
        return told if self._tenant is None else f"{described(self._tenant)} and ({told})"

    def demand(self, right: Right, user: User, collection: str) -> None:
        """Raise Forbidden unless the user has the right."""
        if self._allowed.get(right) is not user and not self.allows(right, user):
            raise Forbidden(right, collection)

    def rules(self, right: Right) -> list[tuple[str, Grant | Rule]]:
        """The rules for a right, each with the name of its policy; the tenant's first. Example: :class:`Policy`."""
        own = [(part.name, part.rules[right]) for part in self._parts]
        return own if self._tenant is None else [("tenant", self._tenant), *own]

    def parts(self, right: Right, user: User) -> list[tuple[Part, Condition]]:
        """The merged policies that give the user the right, each with the condition on records.

        Example: :class:`Policy`.
        """
        tenant = ALWAYS if self._tenant is None else bound(self._tenant, user)
        found = [(part, all_of([tenant, bound(part.rules[right], user)])) for part in self._parts]
        return [(part, condition) for part, condition in found if condition != NEVER]

    # --- fields -------------------------------------------------------------------------------------------------------

    def hidden(self, user: User) -> frozenset[str]:
        """The names of the fields that the user may not read. Example: :class:`Policy`.

        Of policies that were merged, one that hides a field hides it, unless another shows it in every record.
        """
        if user.unrestricted or not self.may_hide:
            return _NOTHING
        known = self._hidden
        if known is not None and known[0] is user:
            return known[1]
        found = self._found_hidden(user)
        if self._hides_steadily:
            self._hidden = user, found
        return found

    def _found_hidden(self, user: User) -> frozenset[str]:
        parts = self.parts(Right.READ, user) or [(part, NEVER) for part in self._parts]
        hiding = {name for part, _ in parts for name in part.hidden(user)}
        return frozenset(
            name
            for name in hiding
            if not any(condition == ALWAYS and name not in part.hidden(user) for part, condition in parts)
        )

    def presets(self, user: User, *, is_trusted: bool = False) -> dict[str, Value]:
        """The values that fields of a record have which the user makes, by their names; also where he has no right to
        that, if the program ``is_trusted`` with making it for him. Example: :class:`Policy`.
        """
        found: dict[str, Value] = {}
        for part in self._parts if is_trusted else [each for each, _ in self.parts(Right.CREATE, user)]:
            for name, rights in part.fields.items():
                if rights.has_preset:
                    found.setdefault(name, rights.preset_for(user))
        return found

    @property
    def named(self) -> frozenset[str]:
        """The actions and selections that it has rules for, as "action print". Example: :class:`Policy`."""
        return frozenset(name for part in self._parts for name in part.named)

    def rule_of(self, kind: str, name: str) -> Grant | Rule | None:
        """The rule of an action or a selection, ``kind`` says which; None where nothing was said.

        Example: :class:`Policy`.
        """
        found = [part.named[f"{kind} {name}"] for part in self._parts if f"{kind} {name}" in part.named]
        if not found:
            return None
        return found[0] if len(found) == 1 else AnyOf(tuple(map(as_rule, found)))


def _fields(given: Mapping[str, FieldRights] | None) -> dict[str, FieldRights]:
    for name, rights in (given or {}).items():
        if not isinstance(rights, FieldRights):
            raise DeclarationError(f"the rights in {name} are given by FieldRights(read=..., write=...)")
    return dict(given or {})


def _valid(given: Value) -> dict[Right, Condition]:
    if given is None:
        return {}
    by_right = given if isinstance(given, Mapping) else {Right.CREATE: given, Right.UPDATE: given}
    found: dict[Right, Condition] = {}
    for right, condition in by_right.items():
        rule = as_rule(condition, "what is valid")
        if right not in (Right.CREATE, Right.UPDATE) or not isinstance(rule, When):
            raise DeclarationError("valid= takes a condition, or one for each of create and update")
        found[Right(right)] = rule.condition
    return found
