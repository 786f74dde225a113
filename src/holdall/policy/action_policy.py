"""The policy of an action: who sees it, who may execute it on which records, and by whose rights it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdall.errors import DeclarationError
from holdall.policy.bound import Binder, binder
from holdall.policy.part import settled
from holdall.policy.rule import AllOf, AnyOf, Authenticated, Calls, Given, Grant, NotOf, Rule, When, as_rule, is_plain
from holdall.policy.rule_walk import described
from holdall.policy.user import User
from holdall.query import ALWAYS, NEVER, Condition, Path, Query, Value, paths_of

__all__ = ["ActionPolicy"]


class ActionPolicy:
    """The rights to see and to execute an action. Rules are those of a ``Policy``.

    ``execute`` is the right to all that the action writes; of records it demands what they must meet, and ``reason`` is
    told where they do not. ``see`` is who knows of the action, and of conditions on which records; without it, those
    who may execute it on some record. With ``as_user`` users also need the rights, by the policies
    of the collections, to what the action writes.

    Raises DeclarationError for what is no rule.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> policy = ActionPolicy(see=Everyone, execute=Role("editor") & (Book.status == "draft")).of(Book)
    >>> policy.is_seen(ANONYMOUS), policy.may_execute(ANONYMOUS), policy.may_execute(User("ann", roles=["editor"]))
    (True, False, True)
    >>> policy.is_plain, policy.reason_for(lambda path: True)
    (False, 'it is for role editor and status = "draft"')
    >>> policy.reason_for(lambda path: path != ("status",))
    'it is not for you, or not for this record'
    """

    __slots__ = ("_binders", "as_user", "execute", "reason", "see")

    def __init__(
        self, *, see: Given | None = None, execute: Given = Authenticated, reason: str = "", as_user: bool = False
    ) -> None:
        given: tuple[object, object] = (reason, as_user)
        if not (isinstance(given[0], str) and isinstance(given[1], bool)):
            raise DeclarationError("ActionPolicy: reason is a sentence for users, and as_user is True or False")
        self.see = None if see is None else as_rule(see, "see")
        self.execute = as_rule(execute, "execute")
        self.reason = reason
        self.as_user = as_user
        self._binders: dict[str, Binder] = {}  # made when they are first asked for

    def of(self, model: Value) -> ActionPolicy:
        """The policy for actions on records of a model. Raises DeclarationError for fields that it has not."""
        made = ActionPolicy(reason=self.reason, as_user=self.as_user)
        made.see = None if self.see is None else settled(model, self.see)
        made.execute = settled(model, self.execute)
        return made

    @property
    def is_plain(self) -> bool:
        """Whether users alone decide, not records. Example: :class:`ActionPolicy`."""
        return is_plain(self.execute) and (self.see is None or is_plain(self.see))

    def seen(self, user: User) -> Condition:
        """The condition on records of which the user knows that the action is there. Example: :class:`ActionPolicy`."""
        if user.unrestricted:
            return ALWAYS
        if self.see is None:
            return ALWAYS if self.may_execute(user) else NEVER
        return self._bound("see", self.see, user)

    def executable(self, user: User) -> Condition:
        """The condition on records on which the user may execute the action. Example: :class:`ActionPolicy`."""
        return ALWAYS if user.unrestricted else self._bound("execute", self.execute, user)

    def _bound(self, name: str, rule: Grant | Rule, user: User) -> Condition:
        bind = self._binders.get(name)
        if bind is None:
            bind = self._binders[name] = binder(rule)
        return bind(user)

    def is_seen(self, user: User) -> bool:
        """Whether the user knows of the action at all."""
        return self.seen(user) != NEVER

    def may_execute(self, user: User) -> bool:
        """Whether the user may execute the action on some record, should there be such."""
        return self.executable(user) != NEVER

    def reason_for(self, can_read: Callable[[Path], bool]) -> str:
        """The reason why somebody may not execute the action: as given, or the rule, if he can read all that it speaks
        of and it is no function. Example: :class:`ActionPolicy`.
        """
        if self.reason:
            return self.reason
        parts = list(_parts(self.execute))
        is_told = all(can_read(path) for part in parts for path in _paths(part))
        if not is_told or any(isinstance(part, Calls) for part in parts):
            return "it is not for you, or not for this record"
        return f"it is for {described(self.execute)}"


def _parts(rule: Grant | Rule) -> Iterator[Grant | Rule]:
    """The rules that a rule is made of."""
    match rule:
        case AllOf(items=items) | AnyOf(items=items):
            for item in items:
                yield from _parts(item)
        case NotOf(item=item):
            yield from _parts(item)
        case _:
            yield rule


def _paths(rule: Grant | Rule) -> list[Path]:
    return list(paths_of(Query("", rule.condition))) if isinstance(rule, When) else []
