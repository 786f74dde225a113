"""The part of an application that has actions and selections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

from holdall.actions import Action, Actions, AnyAction, DeclaredAction, End, On, Running, name_of
from holdall.errors import LimitExceeded, StateError
from holdall.model import Model, Record
from holdall.policy import ActionPolicy, Given
from holdall.query import AnyQuery, Query, Value
from holdall.selections import AnySelection, Selection, Selections
from holdall.service import Registry
from holdall.session import Bindings, Session

__all__ = ["Acting", "ByName"]

R = TypeVar("R")


class Acting:
    """An application that has actions and selections of its collections. Example: ``docs/actions.md``."""

    bindings: Bindings
    registry: Registry

    def add_action(self, action: type[AnyAction], policy: ActionPolicy | None = None) -> None:
        """Add an action to the collection of its model, which was added before.

        Without a policy, known users may execute it, within their own rights. ``Duplicate[Book]`` adds an action of
        the house. Raises DeclarationError for what is no action, and where the collection has one of that name.
        Example: :class:`Action`.
        """
        self.by_name.actions.add(action, policy)

    def add_selection(
        self,
        name: str,
        query: Query[R],
        *,
        policy: Given | None = None,
        title: str = "",
        columns: Sequence[str] | None = None,
    ) -> Selection[R]:
        """Add a named query to the collection that it is of, and return it for ``session.select``.

        ``policy`` is a rule, of records, too: who sees the selection, and which rows of it. ``columns`` are names for
        those of ``only(...)``. Raises DeclarationError for a name that is taken, and for what cannot be cut into pages.
        Example: :class:`Selection`.
        """
        return self.by_name.selections.add(name_of("a selection", name), query, policy, title, columns)

    def actions(self, collection: str) -> list[DeclaredAction]:
        """Return the actions of a collection. Example: :class:`DeclaredAction`."""
        return self.by_name.actions.of(collection)

    def selections(self, collection: str) -> list[AnySelection]:
        """Return the selections of a collection. Example: ``docs/actions.md``."""
        return self.by_name.selections.of(collection)

    @cached_property
    def by_name(self) -> ByName:
        """All actions and selections, for other rooms."""
        found = ByName(self.registry, self.bindings)
        self.bindings.application = found
        return found


class ByName:
    """The actions and selections of an application, as its sessions ask for them."""

    def __init__(self, registry: Registry, bindings: Bindings) -> None:
        self.actions = Actions(bindings)
        self.selections = Selections(bindings)
        self.running = Running(registry)

    def has(self, kind: str, collection: str, name: str) -> bool:
        """Whether a collection has such an action or selection."""
        known = self.actions if kind == "action" else self.selections
        return any(each.name == name for each in known.of(collection))

    def has_any_of(self, collection: str) -> bool:
        """Whether a collection has any action or selection."""
        return bool(self.actions.of(collection) or self.selections.of(collection))

    async def rehearse(self, session: Session, action: object, on: object, most: int) -> str:
        """The changes that an action would make, in words; nothing of it stays."""
        told = list[str]()

        async def ends() -> None:
            if not told:
                told.append(str(await session.expand(tell=True)))
            session.rollback()

        await self.act(session, action, on, most, end=ends)
        return told[0]

    async def act(
        self, session: Session, action: object, on: object, most: int, core: object = None, end: End | None = None
    ) -> Value:
        """Run an action in a session, and commit it, or end it otherwise.

        Raises StateError for what is no action with its inputs, and what its commit raises.
        """
        if not isinstance(action, Action):
            told = f"{action.__name__}(...)" if isinstance(action, type) else type(action).__name__
            raise StateError(f"act takes an action with its inputs, as Vote(score=8), not {told}")
        is_several = not isinstance(on, Model)
        declared, found = await self.meant(session, action, on, most)
        results = await self.running.run(session, declared, action, found, core, end)
        if declared.on is On.EACH and is_several:
            return results
        return results[0] if results else None

    async def meant(
        self, session: Session, action: AnyAction, on: object, most: int
    ) -> tuple[DeclaredAction, list[Record]]:
        """Find the declaration of an action, and the records that it is to be done on. Raises as ``act``."""
        records = on if isinstance(on, list | tuple) else [on]
        if isinstance(on, Query):
            session.context.bindings.configure()
            model = session.context.bindings.of_query(on).model
        else:
            model = None if on is None or not records else type(records[0])
        declared = self.actions.of_kind(type(action), model)
        binding = session.context.bindings.of_model(declared.model)
        self.running.demand_right(declared, session.user, binding)
        return declared, await self._records(session, declared, on, most)

    async def _records(self, session: Session, declared: DeclaredAction, on: object, most: int) -> list[Record]:
        """The records that an action is to be done on. Raises StateError for what it cannot be done on."""
        name, model = declared.name, declared.model.__name__
        if type(most) is not int or most < 1:
            raise StateError("max_affected is a number of records above zero")
        if declared.on is On.NOTHING:
            if on is not None:
                raise StateError(f"{name} is done on nothing: act({declared.kind.__name__}(...))")
            return []
        if isinstance(on, Query) and declared.on is not On.ONE:
            return await self.running.meant(session, declared, on, most)
        if isinstance(on, list | tuple) and declared.on is not On.ONE:
            records: list[Record] = list(on)
        elif isinstance(on, Model) and declared.on is not On.ALL:
            records = [on]
        else:
            given = "nothing" if on is None else "a query" if isinstance(on, Query) else type(on).__name__
            wanted = {On.ONE: "one of them", On.ALL: "a list of them or a query"}
            raise StateError(
                f"{name} is done on records of {declared.collection}: give it"
                f" {wanted.get(declared.on, 'one of them, a list of them or a query')}, not {given}"
            )
        for record in records:
            if not isinstance(record, declared.model):
                raise StateError(f"{name} is done on {model}, not on {type(record).__name__}")
            session.context.demand_held(record)
        if len({id(record) for record in records}) < len(records):
            raise StateError(f"{name} is to be done twice on one {model}; give each once")
        if len(records) > most:
            raise LimitExceeded(f"{declared.collection} for {name} at once", most, "give fewer, or raise the bound")
        return records

    def selected(
        self, session: Session, selection: object, sort: Sequence[object], values: dict[str, Value]
    ) -> AnyQuery:
        """The query that a selection is for the user of a session."""
        return self.selections.query(session.user, selection, sort, values)
