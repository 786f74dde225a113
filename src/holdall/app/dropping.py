"""Dropping collections: their records, and the tables, files and keys in which these lie."""

from __future__ import annotations

from holdall.app.emptying_ends import empty_ends
from holdall.errors import StateError, Unsupported
from holdall.session import Binding, Bindings
from holdall.store import Provisioned

__all__ = ["Dropping"]


class Dropping:
    """Drops collections of an application. Example: ``docs/models.md``."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    def doomed(self, binding: Binding, *, referring: bool) -> list[Binding]:
        """The collections that go, those that refer before those that are referred to.

        Raises StateError where others refer to the collection, unless ``referring`` drops these as well; ReadOnly and
        Unsupported for one that its store cannot drop.
        """
        self._bindings.configure()
        found = [binding]
        for each in found:
            each.demand_writable()
            if not isinstance(each.store, Provisioned):
                raise Unsupported(each.store.name, "dropping collections", "remove its records, or drop it by hand")
            others = [own for own in each.bound_by if own.source not in found]
            if others and not referring:
                names = ", ".join(own.name for own in others)
                raise StateError(
                    f"{each.collection} is referred to by {names}: drop these collections first, or all of them with it"
                    " (referring=True, --referring)"
                )
            found += dict.fromkeys([own.source for own in others])
        return found[::-1]

    async def drop(self, binding: Binding, *, referring: bool) -> list[str]:
        """Drop them, and return their names. Lists that others keep of what refers to them are emptied before."""
        doomed = self.doomed(binding, referring=referring)
        await empty_ends(self._bindings, doomed)
        for each in doomed:
            if isinstance(each.store, Provisioned):
                same = [other.collection for other in doomed if other.store is each.store]
                if same[0] == each.collection:
                    await each.store.drop(*same)
        return [each.collection for each in doomed]
