"""The application: it knows the stores and the collections and opens sessions over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, TypeVar
from weakref import ref

from holdall.app.background import Background
from holdall.app.block import SessionBlock
from holdall.app.contexts import Contexts
from holdall.app.eventful import Eventful
from holdall.app.filed import Filed
from holdall.app.findings import FsckProgress, FsckReport
from holdall.app.fsck import Fsck
from holdall.app.gateway import ModelGateway
from holdall.app.given import (
    demand_acceptable,
    demand_grant,
    demand_lease,
    demand_model,
    demand_name,
    demand_policy,
    demand_store,
)
from holdall.app.host import of_web
from holdall.app.identifying import Identifying
from holdall.app.jobbed import Jobbed
from holdall.app.moving import KnownMoves
from holdall.app.observed import Observed
from holdall.app.provisioned_stores import ProvisionedStores
from holdall.app.provisioning import Provisioning
from holdall.app.repeating import repeated
from holdall.app.sync import SyncHoldall
from holdall.app.transfer import Transferring
from holdall.errors import DeclarationError, StateError
from holdall.model import Model
from holdall.policy import SYSTEM, Policy, User
from holdall.service import active_session
from holdall.session import (
    DAO,
    LEASE,
    Binding,
    Bindings,
    Compensation,
    Operation,
    Recovery,
    Session,
    Strategy,
    adding_new_records,
    bind_dao,
)
from holdall.store import Store, open_store

__all__ = ["Holdall"]

R = TypeVar("R")


class Holdall(Contexts, Eventful, Filed, Identifying, Jobbed, Observed, ProvisionedStores, Transferring):
    """An application over any stores.

    Declare stores and collections first, then open sessions; the first one settles all references and tells the
    stores what they keep. Nothing is global: two Holdalls in one program know nothing of each other.

    ``journal`` is the URL of the local journal, which is made when a commit over several stores has no database of its
    own to write to. With ``echo``, statements and commits are written to standard error. ``lease`` is how long, in
    seconds, other machines leave a commit alone whose process they cannot see; it is renewed while the commit lives,
    and processes of one machine know at once that an owner is dead.

    >>> from holdall import Holdall, Model, User, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> app = Holdall("atlas")
    >>> app.add_store("main", "memory:")
    >>> app.add(Country, store="main")
    >>> [binding.collection for binding in app.collections()]
    ['country']
    >>> async def example() -> int:
    ...     async with app:  # app.start() and, in the end, app.close()
    ...         async with app.session(User("ann"), auto_add=True) as session:
    ...             Country(code="FR")
    ...             print(app.active_session is session)
    ...         return (await app.fsck()).checked
    >>> import asyncio
    >>> asyncio.run(example())
    True
    1
    """

    def __init__(self, name: str, *, journal: str | None = None, lease: float = LEASE, echo: bool = False) -> None:
        demand_name("an application", name)
        demand_lease(lease)
        self.name = name
        self.bindings = Bindings(name, journal or f"sqlite:///.holdall/{name}.db", lease)
        Contexts.__init__(self, name, self.bindings)
        Observed.__init__(self, self.bindings, echo=echo)
        Eventful.__init__(self, lease)
        self.recovery = Recovery(self.bindings)
        self._moves = self.bindings.moves = KnownMoves(self.bindings)
        self._background = Background(self.recovery)
        self._provisioning = Provisioning(self.bindings, self.stores)
        self._sync: SyncHoldall | None = None

    # --- declaring --------------------------------------------------------------------------------------------------

    def add_store(self, name: str, url: str | Store, **options: object) -> None:
        """Add a store by URL, with its own options, or a store made by hand.

        ``native=``, a grant, says who may go past all policies with ``session.sql`` and ``session.native``, beside the
        program itself. Raises DeclarationError where the name is taken, the scheme is unknown, its driver is missing,
        or an option is unknown or does not fit. Example: :class:`Holdall`.
        """
        demand_name("a store", name)
        demand_store(name, url)
        if name in self.stores:
            raise DeclarationError(f"there is already a store {name!r}")
        grants = {name: demand_grant(options.pop("native"))} if "native" in options else {}
        self.stores[name] = open_store(name, url, **options) if isinstance(url, str) else url
        self.bindings.native_grants |= grants

    def add(
        self,
        *models: type[Model],
        store: str,
        policy: Policy | None = None,
        collection: str | None = None,
        compensation: Compensation | None = None,
        accept: Collection[str] = (),
    ) -> None:
        """Keep these models in a store, under a policy; without one, only authenticated users may read and write.

        ``accept`` names differences between models and tables that are taken deliberately: they no longer keep the
        application from starting, and ``accepted`` lists them. A name holds for the whole collection, or with a column
        behind it, as in ``"collation:name"``, for that alone. ``holdall check`` shows the names.

        ``compensation`` is for stores that take one record at a time: how calls are undone where a commit that writes
        other stores, too, is refused. Raises DeclarationError where the store is unknown, the model or the collection's
        name is taken, or what is given is no model with a key. Example: :class:`Holdall`.
        """
        if store not in self.stores:
            raise DeclarationError(f"there is no store {store!r}; add it with add_store({store!r}, url)")
        if collection is not None:
            demand_name("a collection", collection)
            if len(models) != 1:
                raise DeclarationError("a collection's name can be given for one model at a time")
        if policy is not None:
            demand_policy(policy)
        demand_acceptable(accept, self.stores[store])
        for model in models:
            demand_model(model)
        for model in models:
            name = collection or model.__holdall__.collection
            kept = Binding(
                model, self.stores[store], policy or Policy(), name, compensation=compensation, accepted=accept
            )
            self.bindings.add(kept)
            ModelGateway.of(model).add(self)

    def add_dao(
        self,
        *daos: DAO[Any],
        store: str = "dao",
        policy: Policy | None = None,
        compensation: Callable[[Operation], Awaitable[None]] | None = None,
    ) -> None:
        """Let these DAOs keep their models, under a policy, in a store of DAOs, which is opened if it is not there.

        ``compensation`` undoes one operation where a commit that writes other stores, too, is refused. Raises
        DeclarationError where a model is bound already, or a DAO names no model. Example: :class:`DAO`.
        """
        if store not in self.stores:
            self.add_store(store, "dao:")
        for dao in daos:
            ModelGateway.of(bind_dao(self.bindings, self.stores[store], dao, policy, compensation)).add(self)

    def collections(self) -> Iterator[Binding]:
        """Return every collection, in the order of declaration. Example: :class:`Holdall`."""
        return iter(self.bindings)

    # --- working ----------------------------------------------------------------------------------------------------

    def session(
        self, user: User = SYSTEM, *, auto_add: bool = False, strategy: Strategy = Strategy.INTERRUPT_ON_ERROR
    ) -> SessionBlock:
        """Open a session for a user: leaving the block commits, an exception rolls back. Example: :class:`Holdall`.

        Without a user it acts for the program itself, which no policy restricts. With ``auto_add``, records that are
        constructed within the block are added by that. ``strategy`` says what a failed call means for the others, where
        a store takes one record at a time.
        """
        return SessionBlock(self._session(user, auto_add, strategy))

    async def run(self, work: Callable[[Session], Awaitable[R]], user: User = SYSTEM, *, retries: int = 3) -> R:
        """Do the work in a session and commit, anew up to ``retries`` times where its error says that this may help.

        Raises the error of the last try. Example: :func:`holdall.app.repeating.repeated`.
        """
        return await repeated(lambda: self.session(user), work, retries)

    @asynccontextmanager
    async def _session(self, user: User, auto_add: bool, strategy: Strategy) -> AsyncIterator[Session]:
        session = Session(self.bindings, user, strategy=strategy)
        with self.activated(session, auto_add=auto_add):
            async with session:
                yield session

    @contextmanager
    def activated(self, session: Session, *, auto_add: bool = False) -> Iterator[None]:
        """Within the block the active-record look acts in this session. Raises StateError for what is no Session."""
        if not isinstance(session, Session):
            raise StateError(f"activated takes a Session, not {type(session).__name__}")
        with self.registry.sessions.entered(ref(session)), adding_new_records(session, auto_add):
            yield

    @property
    def active_session(self) -> Session | None:
        """Return the session whose block this task is in, if any. Example: :class:`Holdall`."""
        return active_session(self.registry)

    @property
    def sync(self) -> SyncHoldall:
        """Return the same verbs for code that is not async: scripts, Flask, Celery. Example: :class:`SyncHoldall`."""
        if self._sync is None:
            self._sync = SyncHoldall(self)
        return self._sync

    async def start(self, *, every: float = 30.0) -> None:
        """Finish what earlier commits left behind, now and each ``every`` seconds, and deliver events, until ``close``.

        Gaps in the durability of stores are logged, as soon as they are known. Example: :class:`Holdall`.
        """
        self.bindings.configure()
        self._background.tell(self.durability)
        self._start_delivering()
        if len(self.bindings.stores()) > 1:
            self._background.recover(every, self.bindings.journal.lease)
        self._background.follow(self._moves)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def fsck(
        self,
        *,
        repair: bool = False,
        batch: int = 1_000,
        start: str | None = None,
        progress: Callable[[FsckProgress], object] | None = None,
    ) -> FsckReport:
        """Look through all stores for what cannot be read and references that do not hold; ``repair`` what can be.

        A reference to what is not there is emptied, or its record removed where it cannot be empty and ``on_delete``
        says CASCADE; a stored other end is written anew. ``batch`` records are looked at together, by key.
        ``progress`` is told after each batch, with a position; ``start`` takes it up again there. Raises StateError
        for a position of something else. Commits that others left behind are finished first.
        Example: :class:`Holdall`.
        """
        await self.recovery.run()
        return await Fsck(self.bindings, repair=repair, batch=batch, progress=progress).run(start)

    async def close(self) -> None:
        """Give back what the stores hold; models no longer lead here by themselves. Example: :class:`Holdall`."""
        await self._stop_delivering()
        await self._background.stop()
        for binding in self.bindings:
            ModelGateway.of(binding.model).remove(self)
        await self.bindings.close()
        for store in self.stores.values():
            await store.close()

    def asgi(self, **options: object) -> Any:
        """Return the REST service, a FastAPI application; ``options`` are in ``docs/http.md``.

        Raises DeclarationError where ``holdall[web]`` is not installed. Example: ``docs/http.md``.
        """
        return of_web("asgi")(self, **options)

    def mount(self, host: Any, prefix: str, **options: object) -> Any:
        """Mount the REST service in a FastAPI or Starlette application, their lifespans composed, and return it.

        Raises as ``asgi``, and DeclarationError for another host. Example: ``docs/http.md``.
        """
        return of_web("mount")(self, host, prefix, **options)

    def session_dependency(self, user: object = None) -> Any:
        """Return a session for routes of one's own: ``session: Annotated[Session, app.session_dependency()]``.

        The session commits before the answer is sent. ``user`` is for whom it acts, or a function of the request; else
        the user of the request. Raises DeclarationError where ``holdall[web]`` is missing. Example: ``docs/http.md``.
        """
        return of_web("session_dependency")(self, user)
