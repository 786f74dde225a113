"""A selection as an application has it: a query under a name, with parameters, columns and a rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from holdall.errors import DeclarationError, QueryError
from holdall.model import MISSING, Inputs, Record, field
from holdall.policy import Calls, Grant, Right, Rule, User, When, bound, changed, settled
from holdall.query import (
    NEVER,
    AnyQuery,
    Compare,
    Condition,
    Exists,
    Later,
    Path,
    Query,
    SortKey,
    Value,
    both,
    nodes,
    paths_of,
)
from holdall.selections.column import Column, columns_of
from holdall.selections.param import Param
from holdall.session import Binding, Bindings

__all__ = ["AnySelection", "Selection", "demand_rule"]

R = TypeVar("R")


class Selection(Generic[R]):
    """A named query of a collection. Example: :func:`holdall.param`.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     pages: int = 0
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> LONG = app.add_selection(
    ...     "long-books", Book.where(Book.pages >= param("pages", int, 100)).sort(Book.title).only(Book.title)
    ... )
    >>> LONG.name, LONG.collection, [column.name for column in LONG.columns], LONG.is_for(ANONYMOUS)
    ('long-books', 'book', ['title'], False)
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=1, title="Emma", pages=300), Book(id=2, title="Faust", pages=90)])
    ...     async with app.session(User("ann")) as session:
    ...         print(await session.query(session.select(LONG)))
    ...         print(await session.query(session.select(LONG, desc(Book.title), pages=50)))
    ...         print(await session.count(session.select("book/long-books", pages=500)))
    >>> import asyncio
    >>> asyncio.run(example())
    [('Emma',)]
    [('Faust',), ('Emma',)]
    0
    """

    def __init__(
        self,
        name: str,
        query: Query[R],
        bindings: Bindings,
        rule: Grant | Rule | None,
        title: str = "",
        columns: Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self.query = query
        self.title = title or name.replace("-", " ").replace("_", " ").capitalize()
        self._bindings = bindings
        self._names = columns
        binding = bindings.of_query(query)
        self.collection = binding.collection
        self.rule = None if rule is None else settled(binding.model, rule)
        self.inputs = _inputs_of(name, query)
        _demand_fitting(self.inputs, query)

    def __repr__(self) -> str:
        return f"Selection({self.collection}/{self.name})"

    @property
    def binding(self) -> Binding:
        """The collection that it is of. Example: :class:`Selection`."""
        return self._bindings.of_name(self.collection)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, none where it gives records. Example: :class:`Selection`."""
        return columns_of(self._bindings, self.query, self._names)

    def path_of(self, name: str) -> Path:
        """The path of a column of this name, else of the field that a dotted name leads to."""
        return next((each.path for each in self.columns if each.name == name), tuple(name.split(".")))

    def is_for(self, user: User) -> bool:
        """Whether the user may see it: by its rule, and as he may read all that it speaks of."""
        if user.unrestricted:
            return True
        if self.rule is not None and bound(self.rule, user) == NEVER:
            return False
        conditions = [self.query.condition, *_conditions_of(self.rule)]
        whole = msgspec.structs.replace(self.query, condition=conditions[0])
        asked = [whole, *[Query(self.collection, condition) for condition in conditions[1:]]]
        return all(self._can_read(path, user) for query in asked for path in [(), *paths_of(query)])

    def _can_read(self, path: Path, user: User) -> bool:
        binding = self.binding
        for name in (None, *path):
            if name is None:
                if not binding.policy.allows(Right.READ, user):
                    return False
                continue
            field = binding.schema.field(name)
            if field.kept_in in binding.hidden(user):
                return False
            if field.target is not None:
                binding = self._bindings.of_name(field.target)
                if not binding.policy.allows(Right.READ, user):
                    return False
                if field.back is not None and binding.schema.field(field.back).kept_in in binding.hidden(user):
                    return False
        return True

    def made(self, user: User, inputs: Record, sort: Sequence[SortKey] = ()) -> Query[R]:
        """The query for a user, with values for its parameters; ``sort`` goes before its own order."""
        source = _Source(user, {each.name: getattr(inputs, each.name) for each in self.inputs.fields})
        condition = bound(When(self.query.condition), source)  # type: ignore[arg-type]
        if self.rule is not None and not user.unrestricted:
            condition = both(condition, bound(self.rule, user))
        before = {key.path for key in sort}
        keys = (*sort, *[key for key in self.query.sort_keys if key.path not in before])
        return msgspec.structs.replace(self.query, condition=condition, sort_keys=keys)

    def total_order(self, query: AnyQuery) -> tuple[SortKey, ...]:
        """The sort keys of a query with those of the key at their end, so that no two rows are equal in them."""
        known = {key.path for key in query.sort_keys}
        return (*query.sort_keys, *[SortKey((name,)) for name in self.binding.schema.key if (name,) not in known])


AnySelection: TypeAlias = Selection[Value]
"""A selection, whatever it gives."""


class _Source:
    """A user, with the values of parameters beside what rules ask of him."""

    def __init__(self, user: User, parameters: Mapping[str, Value]) -> None:
        self.id, self.login, self.roles, self.attributes = user.id, user.login, user.roles, user.attributes
        self.parameters = parameters


def _laters(condition: Condition) -> Iterator[Later]:
    """All values of a condition that are known later."""
    for node in nodes(condition):
        if isinstance(node, Compare):
            parts = node.value if isinstance(node.value, tuple) else (node.value,)
            yield from (part for part in parts if isinstance(part, Later))
        elif isinstance(node, Exists):
            yield from _laters(node.query.condition)


def _conditions_of(rule: Grant | Rule | None) -> list[Condition]:
    found: list[Condition] = []

    def note(each: Grant | Rule) -> Grant | Rule:
        if isinstance(each, When):
            found.append(each.condition)
        return each

    if rule is not None:
        changed(rule, note)
    return found


def _inputs_of(name: str, query: AnyQuery) -> Inputs:
    """The parameters of a query. Raises DeclarationError where one is declared in two ways."""
    known: dict[str, Param] = {}
    for later in _laters(query.condition):
        if isinstance(later.get, Param):
            given = later.get
            other = known.setdefault(given.name, given)
            if (other.annotation, other.default) != (given.annotation, given.default):
                raise DeclarationError(f"{name}: the parameter {given.name!r} is declared in two ways; declare it once")
    defaults = {
        given.name: field(default_factory=_giving(given.default))
        if isinstance(given.default, list | dict | set)
        else given.default
        for given in known.values()
        if given.default is not MISSING
    }
    return Inputs(name, {given.name: given.annotation for given in known.values()}, defaults)


def _giving(default: Value) -> Callable[[], Value]:
    return lambda: type(default)(default)


def _demand_fitting(inputs: Inputs, query: AnyQuery) -> None:
    """Raise DeclarationError for a parameter whose default is nothing that its field is compared with."""
    for later in _laters(query.condition):
        if not isinstance(later.get, Param) or later.get.default is MISSING:
            continue
        try:
            later.known(_Source(User(None), {later.get.name: later.get.default}))
        except (QueryError, LookupError) as error:
            raise DeclarationError(f"{inputs.name}: the parameter {later.get.name!r} does not fit: {error}") from None


def demand_rule(name: str, rule: Grant | Rule) -> None:
    """Raise DeclarationError for a rule with a function of records, which no store can ask."""

    def look(each: Grant | Rule) -> Grant | Rule:
        if isinstance(each, Calls) and each.takes_record:
            raise DeclarationError(f"{name}: no store can ask a function of records; give the rule as a condition")
        return each

    changed(rule, look)
