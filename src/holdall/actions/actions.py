"""All actions of an application, by collection and name."""

from __future__ import annotations

from typing import get_args, get_origin

from holdall.actions.action import Action, AnyAction
from holdall.actions.declared_action import DeclaredAction
from holdall.actions.on import On
from holdall.errors import DeclarationError, NotFound, StateError
from holdall.model import Model
from holdall.policy import ActionPolicy, Authenticated, User
from holdall.query import Value
from holdall.session import Binding, Bindings

__all__ = ["Actions"]


class Actions:
    """Keeps what ``app.add_action`` is given. Example: :class:`DeclaredAction`."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._by_place: dict[tuple[str, str], DeclaredAction] = {}
        self._by_kind: dict[tuple[Value, Value], DeclaredAction] = {}

    def add(self, given: object, policy: ActionPolicy | None) -> DeclaredAction:
        """Take one more. Raises DeclarationError for what is no action, or one that is there already."""
        kind, about = given, None
        if isinstance(origin := get_origin(given), type):
            kind, (about, *_) = origin, get_args(given)
        if not isinstance(kind, type) or not issubclass(kind, Action) or kind is Action:
            told = getattr(given, "__name__", None) or type(given).__name__
            raise DeclarationError(f"an action is a class that derives from Action[Book], not {told}")
        if policy is not None and not isinstance(policy, ActionPolicy):
            raise DeclarationError(f"the policy of {kind.__name__} is an ActionPolicy(see=..., execute=...)")
        binding = self._binding(kind, about or kind.__about__)
        rule = binding.policy.rule_of("action", kind.__action_name__)
        if rule is not None and policy is not None:
            raise DeclarationError(
                f"{kind.__name__}: the policy of {binding.collection} has a rule for it already; say it at one place"
            )
        if rule is not None:
            policy = ActionPolicy(execute=rule)
        found = DeclaredAction.of(
            kind, binding.model, binding.collection, policy or ActionPolicy(execute=Authenticated, as_user=True)
        )
        place = found.collection, found.name
        if place in self._by_place:
            raise DeclarationError(f"{binding.collection} has an action {found.name!r} already; give this one a name=")
        self._by_place[place] = self._by_kind[kind, binding.model] = found
        return found

    def _binding(self, kind: type[AnyAction], about: Value) -> Binding:
        if isinstance(about, str):
            about = kind.__names__.now().get(about)
        if not isinstance(about, type) or not issubclass(about, Model):
            name = kind.__name__
            raise DeclarationError(f"{name}: say what it is about, as in class {name}(Action[Book]) or {name}[Book]")
        for binding in self._bindings:
            if binding.model is about:
                return binding
        raise DeclarationError(f"{kind.__name__} is about {about.__name__}: add that first, app.add({about.__name__})")

    @property
    def all(self) -> list[DeclaredAction]:
        """The actions of all collections."""
        return [*self._by_place.values()]

    def of(self, collection: str) -> list[DeclaredAction]:
        """The actions of a collection, in the order of declaration."""
        return [each for each in self._by_place.values() if each.collection == collection]

    def named(self, collection: str, name: str) -> DeclaredAction:
        """The action of this name. Raises NotFound."""
        found = self._by_place.get((collection, name))
        if found is None:
            raise NotFound(f"action of {collection}", name)
        return found

    def seen(self, collection: str, name: str, user: User) -> DeclaredAction:
        """The action of this name. Raises NotFound where there is none that the user may see."""
        found = self._by_place.get((collection, name))
        if found is None or not found.is_for(user):
            there = [each.name for each in self.of(collection) if each.is_for(user)]
            raise NotFound(f"action of {collection}", name, there=there)
        return found

    def of_kind(self, kind: type[AnyAction], model: object) -> DeclaredAction:
        """The action of a class; ``model`` is that of the records, where these are known.

        Raises StateError where it was not added.
        """
        direct = self._by_kind.get((kind, model))
        if direct is not None:
            return direct
        found = [each for (known, about), each in self._by_kind.items() if known is kind and model in (None, about)]
        others = [each for (known, _), each in self._by_kind.items() if known is kind]
        if not found and others:
            name, place = others[0].name, " or ".join(each.collection for each in others)
            on = "nothing" if others[0].on is On.NOTHING else f"records of {place}"
            raise StateError(f"{name} is done on {on}, not on {getattr(model, '__name__', model)}")
        if len(found) != 1:
            about = f" for {model.__name__}" if isinstance(model, type) else ""
            more = "is there for several collections, and no record says which" if found else "was not added"
            raise StateError(f"the action {kind.__name__} {more}{about}: app.add_action({kind.__name__})")
        return found[0]
