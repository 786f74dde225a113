"""Lists that users keep under names: ordinary records, each read and written by its owner alone."""

from __future__ import annotations

from uuid import UUID, uuid4

from holdall.app import Holdall
from holdall.model import Model, field
from holdall.policy import Authenticated, FieldRights, Nobody, Owner, Policy, me

__all__ = ["MOST_SAVED", "SavedList", "SavedLists"]

MOST_SAVED = 50
"""The number of lists of one collection that a user may keep."""


class SavedList(Model, collection="saved_lists"):
    """A list under a name: its collection, and ``query``, the filters and the order as its address has them.

    Example: :class:`SavedLists`.
    """

    id: UUID = field(pk=True, default_factory=uuid4)
    owner: str = field(default="", length=(0, 200), index=True)
    of: str = field(length=(1, 200))
    name: str = field(length=(1, 80))
    query: str = field(length=(0, 4_000))


class SavedLists:
    """Keeps the lists of users in a store of an application.

    The back office then offers on each list to save its filters and its order under a name.

    >>> from holdall import Holdall
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> saved = SavedLists(app, store="main")
    >>> [binding.collection for binding in app.collections()]
    ['saved_lists']
    """

    def __init__(self, app: Holdall, *, store: str) -> None:
        policy = Policy(
            read=Owner("owner"),
            create=Authenticated,
            update=Nobody,
            delete=Owner("owner"),
            fields={"owner": FieldRights(write=Nobody, preset=me.id)},
        )
        app.add(SavedList, store=store, policy=policy)
