"""All selections of an application, by collection and name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.errors import DeclarationError, NotFound, QueryError, StateError
from holdall.policy import Given, User, as_rule
from holdall.query import AnyQuery, Query, Value
from holdall.selections.selection import AnySelection, Selection, demand_rule
from holdall.session import Bindings

__all__ = ["Selections"]


class Selections:
    """Keeps what ``app.add_selection`` is given. Example: :class:`Selection`."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._by_place: dict[tuple[str, str], AnySelection] = {}

    def add(
        self, name: str, query: object, policy: Given | None, title: str, columns: Sequence[str] | None
    ) -> AnySelection:
        """Take one more. Raises DeclarationError for what is none, or a name that is taken."""
        if not isinstance(query, Query):
            raise DeclarationError(f"{name}: a selection is a query, such as Book.where(...).only(Book.title)")
        try:
            binding = self._bindings.of_query(query)
        except StateError as error:
            raise DeclarationError(f"{name}: its model comes first: {error}") from None
        if query.grouping is not None:
            raise DeclarationError(
                f"{name}: a selection is of records, not of groups; requests ask for these by group="
            )
        if query.max_rows is not None or query.skip or query.position is not None:
            raise DeclarationError(f"{name}: a selection has no limit and no offset: pages cut it")
        if binding.is_keyless:
            raise DeclarationError(f"{name}: {binding.collection} has no key that would give its pages an order")
        known = binding.policy.rule_of("selection", name)
        if known is not None and policy is not None:
            raise DeclarationError(f"{name}: the policy of {binding.collection} has a rule for it; say it at one place")
        rule = known if policy is None else as_rule(policy, f"selection {name}")
        if rule is not None:
            demand_rule(name, rule)
        _demand_columns(name, query, columns)
        found: AnySelection = Selection(name, query, self._bindings, rule, title, columns)
        place = found.collection, name
        if place in self._by_place:
            raise DeclarationError(f"{found.collection} has a selection {name!r} already; give this one another name")
        self._by_place[place] = found
        return found

    def of(self, collection: str) -> list[AnySelection]:
        """The selections of a collection, in the order of declaration."""
        return [each for each in self._by_place.values() if each.collection == collection]

    def seen(self, collection: str, name: str, user: User) -> AnySelection:
        """The selection of this name. Raises NotFound where there is none that the user may see."""
        found = self._by_place.get((collection, name))
        if found is None or not found.is_for(user):
            there = [each.name for each in self.of(collection) if each.is_for(user)]
            raise NotFound(f"selection of {collection}", name, there=there)
        return found

    def query(self, user: User, given: object, sort: Sequence[object], values: Mapping[str, Value]) -> AnyQuery:
        """The query that a selection is for a user; ``given`` is itself or its place, ``books/french-books``.

        Raises QueryError for a place that is not named by its collection.
        """
        if isinstance(given, Selection):
            collection, name = given.collection, given.name
        elif isinstance(given, str):
            collection, slash, name = given.partition("/")
            if not slash:
                raise QueryError(
                    f"a selection is named by its collection, too, as 'books/french-books', not by {given!r}"
                )
        else:
            raise QueryError(f"a selection is named as 'books/french-books', not by {type(given).__name__}")
        found = self.seen(collection, name, user)
        inputs = found.inputs.model(**values)
        keys = found.query.sort(*sort).sort_keys if sort else ()
        return found.made(user, inputs, keys)


def _demand_columns(name: str, query: AnyQuery, columns: Sequence[str] | None) -> None:
    paths = [".".join(path) for path in query.projection]
    names = paths if columns is None else list(columns)
    given: list[object] = [*names]
    is_right = all(isinstance(each, str) and each for each in given)
    if isinstance(columns, str) or len(names) != len(paths) or not is_right:
        raise DeclarationError(f"{name}: columns= names each column of only(...), in their order")
    if len(set(names)) < len(names):
        raise DeclarationError(f"{name}: two of its columns have the same name; tell them apart by columns=")
